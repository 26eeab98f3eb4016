import { SIGNING_ALGORITHMS } from './endpoints.ts';
import { invalidClient, type OAuthError } from './oauth-error.ts';
import type { AssertionCredentials } from './read-credentials.ts';

/** The longest an assertion may live, seconds (SMART App Launch 2, "Client Authentication: Asymmetric"). */
export const ASSERTION_SECONDS_MAX = 300;
/** How far the clocks may be apart, seconds. */
export const CLOCK_SKEW_S = 30;

/**
 * What is wrong with an assertion by itself, whoever sent it: every rule that needs neither key nor registration.
 * Because of that, each fault can be told in words without telling anything about any system.
 */
export function assertionFault(
  { clientId, header, claims }: AssertionCredentials,
  { audiences, now }: Expected,
) {
  const { alg, kid } = header;
  const { iss, aud, exp, iat, nbf, jti } = claims;
  const nowS = now.getTime() / 1000;

  if (!SIGNING_ALGORITHMS.some((known) => known === alg)) {
    return fault('algorithm', `alg must be ${SIGNING_ALGORITHMS.join(' or ')}`);
  }
  if (!isText(kid)) return fault('kid-missing', 'the header must have a kid');
  if (iss !== clientId) return fault('subject', 'iss and sub must both be the client id');

  // Every audience must be ours: an assertion that another server also accepts could have been taken from there.
  const meant = Array.isArray(aud) ? aud : [aud];
  if (meant.length === 0 || !meant.every((one) => one !== undefined && audiences.includes(one))) {
    return fault('audience', `aud must be ${audiences.join(' or ')}`);
  }
  if (!isTime(exp)) return fault('expiry-missing', 'exp must be a number of seconds');
  if (exp <= nowS - CLOCK_SKEW_S)
    return fault('expired', `exp has passed; this server's time is ${Math.floor(nowS)}`);
  if (exp > nowS + ASSERTION_SECONDS_MAX + CLOCK_SKEW_S) {
    return fault(
      'too-long',
      `exp may be at most ${ASSERTION_SECONDS_MAX} s ahead; this server's time is ${Math.floor(nowS)}`,
    );
  }
  if (iat !== undefined) {
    if (!isTime(iat) || iat > nowS + CLOCK_SKEW_S) return fault('issued-later', 'iat lies in the future');
    if (exp - iat > ASSERTION_SECONDS_MAX) {
      return fault('too-long', `exp may be at most ${ASSERTION_SECONDS_MAX} s after iat`);
    }
    if (exp <= iat) return fault('expired', 'exp must be after iat');
  }
  if (nbf !== undefined && (!isTime(nbf) || nbf > nowS + CLOCK_SKEW_S)) {
    return fault('not-yet', 'nbf lies in the future');
  }
  if (!isText(jti)) return fault('jti-missing', 'jti must be a text of its own for each assertion');
  return undefined;
}

type Expected = { audiences: readonly string[]; now: Date };

const fault = (code: string, description: string): OAuthError =>
  invalidClient(`assertion-${code}`, `the client assertion is not usable: ${description}`);

const isText = (value: unknown) => typeof value === 'string' && value.length > 0 && value.length <= 500;
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;
