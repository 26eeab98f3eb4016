import { FlattenedSign } from 'jose';
import type { SigningKey } from './signing-keys.ts';

/**
 * A detached signature over a body (RFC 7515 appendix F): `header..signature`. Its header names the receiver, the
 * notification and the time, so that nobody can pass it on or send it again unnoticed.
 */
export async function signDetached(
  { kid, key }: SigningKey,
  body: string,
  { audience, id, issuer, at }: { audience: string; id: string; issuer: string; at: Date },
): Promise<string> {
  const jws = await new FlattenedSign(Buffer.from(body))
    .setProtectedHeader({
      alg: 'ES384',
      kid,
      typ: 'notification+jws',
      iss: issuer,
      aud: audience,
      jti: id,
      iat: Math.floor(at.getTime() / 1000),
    })
    .sign(key);
  return `${jws.protected}..${jws.signature}`;
}
