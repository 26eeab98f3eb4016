/** Where the authorization server answers, below the service's own address, which is also its issuer (RFC 8414). */
export const PATHS = {
  token: '/oauth/token',
  introspect: '/oauth/introspect',
  revoke: '/oauth/revoke',
  metadata: '/.well-known/oauth-authorization-server',
} as const;

export type Endpoint = 'token' | 'introspect' | 'revoke';

/** Methods with which a system proves who it is, as RFC 7591 names them. */
export const AUTH_METHODS = ['client_secret_basic', 'private_key_jwt'] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** SMART App Launch 2, "Client Authentication: Asymmetric": both must be supported; nothing weaker is. */
export const SIGNING_ALGORITHMS = ['RS384', 'ES384'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];
