/** How client secrets are made and kept; the token endpoint checks them by the same functions. */
export { LIVE_SECRETS_MAX, newSecret, secretHash } from '../oauth/client-secret.ts';
