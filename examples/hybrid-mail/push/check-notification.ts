import type { Bundle, Parameters } from '@medplum/fhirtypes';
import { errors, type FlattenedVerifyGetKey, flattenedVerify } from 'jose';

export type Notification = {
  type: 'handshake' | 'event-notification';
  subscriptionId: string;
  /** The events' numbers, each once in the life of the subscription. */
  numbers: string[];
};

type Expected = {
  /** Our address, exactly as it stands in the subscription. */
  endpoint: string;
  fhirBase: string;
  /** The service's public keys. */
  keys: FlattenedVerifyGetKey;
  now: () => Date;
};

/** It was not taken; `status` is what the sender is answered. */
export class NotTaken extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'NotTaken';
    this.status = status;
  }
}

/** Each attempt is signed anew, so only a clock that is wrong, or somebody who kept one, is so far off. */
const AGE_S_MAX = 300;

/**
 * Reads a notification of which nothing is believed before its signature holds: a detached JWS (RFC 7515 appendix F)
 * over the body as it came, by this service, for this endpoint, now.
 * @throws {NotTaken}
 */
export async function checkNotification(
  signature: string | undefined,
  body: Buffer,
  { endpoint, fhirBase, keys, now }: Expected,
): Promise<Notification> {
  const header = await verifiedHeader(signature ?? '', body, keys);
  const refuse = (why: string) => new NotTaken(401, why);
  if (header.typ !== 'notification+jws') throw refuse('the signature is not one of a notification');
  if (header.iss !== new URL(fhirBase).origin) throw refuse('another service signed it');
  if (header.aud !== endpoint) throw refuse('it is meant for another endpoint');
  const ageS = now().getTime() / 1000 - Number(header.iat ?? Number.NaN);
  if (!(Math.abs(ageS) <= AGE_S_MAX)) throw refuse('it was signed too long ago, or the clocks differ');
  const bundle = JSON.parse(body.toString()) as Bundle;
  if (header.jti !== bundle.id) throw refuse('the signature names another notification');
  return readStatus(bundle.entry?.[0]?.resource as Parameters, fhirBase);
}

async function verifiedHeader(text: string, body: Buffer, keys: FlattenedVerifyGetKey) {
  const [header, detached, signature, ...more] = text.split('.');
  if (!header || detached !== '' || !signature || more.length > 0)
    throw new NotTaken(401, 'it has no detached signature in X-JWS-Signature');
  const jws = { protected: header, payload: body.toString('base64url'), signature };
  try {
    return (await flattenedVerify(jws, keys, { algorithms: ['ES384'] })).protectedHeader ?? {};
  } catch (error) {
    if (FORGED.some((kind) => error instanceof kind)) throw new NotTaken(401, 'its signature does not hold');
    throw new NotTaken(503, `the service’s keys could not be asked for (${(error as Error).message})`);
  }
}

const FORGED = [
  errors.JWSSignatureVerificationFailed,
  errors.JWSInvalid,
  errors.JWKSNoMatchingKey,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
];

/** The Parameters that stand for a SubscriptionStatus (Subscriptions R5 Backport 1.1, "R4 Status"). */
function readStatus(status: Parameters, fhirBase: string): Notification {
  const parameters = status.parameter ?? [];
  const named = (name: string) => parameters.find((one) => one.name === name);
  // Its base names the organisation by its id, ours perhaps by its ODS code: whose it is, the subscription's id says.
  const subscription = URL.parse(named('subscription')?.valueReference?.reference ?? '');
  const subscriptionId = /\/fhir\/R4\/Subscription\/([^/]+)$/.exec(subscription?.pathname ?? '')?.[1];
  const type = named('type')?.valueCode;
  if (subscription?.origin !== new URL(fhirBase).origin || !subscriptionId)
    throw new NotTaken(400, 'it is of no subscription of this service’s');
  if (type !== 'handshake' && type !== 'event-notification')
    throw new NotTaken(400, 'it is neither a handshake nor of events');
  const numbers = parameters
    .filter(({ name }) => name === 'notification-event')
    .map(({ part }) => part?.find(({ name }) => name === 'event-number')?.valueString ?? '');
  return { type, subscriptionId, numbers };
}
