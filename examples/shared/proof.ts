import { randomUUID } from 'node:crypto';
import { importJWK, type JWK, SignJWT } from 'jose';

/** How a system proves who it is: by a key of which the service knows only the public half, or by a secret. */
export type Proof = { by: 'key'; jwk: JWK } | { by: 'secret'; secret: string };

/** What to add to a token request: headers and form fields. */
export async function prove(
  clientId: string,
  proof: Proof,
  tokenEndpoint: string,
): Promise<{ headers: Record<string, string>; fields: Record<string, string> }> {
  if (proof.by === 'secret') {
    const basic = Buffer.from(`${clientId}:${proof.secret}`).toString('base64');
    return { headers: { authorization: `Basic ${basic}` }, fields: {} };
  }
  const { alg, kid } = proof.jwk;
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: alg!, kid })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(tokenEndpoint)
    .setIssuedAt()
    .setExpirationTime('60s')
    .setJti(randomUUID()) // each assertion is accepted once
    .sign(await importJWK(proof.jwk));
  return {
    headers: {},
    fields: {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    },
  };
}
