import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { hmacSha256 } from '../../hmac.ts';
import { routeOf } from '../../ids.ts';
import type { Secrets } from '../../secrets.ts';
import { type Answer, afterDecision, type Outcome } from '../http/answer.ts';
import type { Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import type { Asked, Query } from '../store/query.ts';

/** How long an answer is given again: a day is longer than anybody tries. */
const KEPT = '24 hours';

/**
 * The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), with the quotation marks of a structured
 * field or without. Undefined when none was sent.
 */
export function idempotencyKeyOf({ headers }: Pick<Call, 'headers'>): string | undefined {
  const sent = headers['idempotency-key'];
  if (sent === undefined) return undefined;
  const key = String(sent).replace(/^"(.*)"$/, '$1');
  if (!/^[!-~]{1,255}$/.test(key)) throw new Refusal('idempotency-key-invalid');
  return key;
}

type Place = readonly [organisationId: string, clientId: string, keyHash: Buffer];
/** What the connection gave when an answer was made. */
type Given = { connectionId: string | null; labels: number };
type Claim = { place: Place; sealingKey: Buffer; given: Given };

// Of two at once, the second waits in here for the first. A key that has expired is free again.
const CLAIM = `
with d as materialized (select * from ${DECIDE}),
claimed as (
  insert into operation_answer as a (organisation_id, client_id, key_hash, request_hash, expires_at)
  select d.organisation_id, d.client_id, $4, $5, clock_timestamp() + interval '${KEPT}' from d where d.outcome = 'allowed'
  on conflict (organisation_id, client_id, key_hash) do update
    set request_hash = excluded.request_hash, sealed = null, expires_at = excluded.expires_at
    where a.expires_at <= clock_timestamp()
  returning 1)
select ${DECISION}, d.labels, exists (select from claimed) as claimed from d`;

const EARLIER = `
select request_hash, sealed from operation_answer where organisation_id = $1 and client_id = $2 and key_hash = $3`;

/**
 * Claims the key for this transaction, or comes to what was answered under it before, or to a refusal. What is answered
 * again is decided by the connection as it stands now: what it gave then may have been taken since.
 * @param labels the privacy labels that the request writes under, as bits
 */
export async function claimAnswer(
  query: Query,
  { encryptionKey }: Pick<Secrets, 'encryptionKey'>,
  requestHash: Buffer,
  asked: Asked,
  key: string,
  labels: number,
): Promise<Claim | { earlier: Outcome }> {
  const keyHash = createHash('sha256').update(key).digest();
  const rows = await query<DecisionRow & { labels: number; claimed: boolean }>('operation-claim', CLAIM, [
    ...asked,
    keyHash,
    requestHash,
  ]);
  const decision = rows[0];
  if (decision?.outcome !== 'allowed') {
    return { earlier: afterDecision(rows, () => new Refusal('internal')) };
  }
  const place = [decision.organisation_id!, decision.client_id!, keyHash] as const;
  // Whoever reads the table, and has the service's key too, still lacks the caller's.
  const sealingKey = hmacSha256(encryptionKey)
    .update(`operation answer\0${place[0]}\0${place[1]}\0${key}`)
    .digest();
  const now: Given = { connectionId: decision.connection_id, labels: decision.labels };
  if (decision.claimed) return { place, sealingKey, given: now };
  type Earlier = { request_hash: Buffer; sealed: Buffer | null };
  const [earlier] = await query<Earlier>('operation-earlier', EARLIER, place);
  // Swept away in between: the next attempt claims it.
  if (!earlier?.sealed) throw Object.assign(new Error('an answer has expired'), { code: '40001' });
  if (!earlier.request_hash.equals(requestHash)) {
    return { earlier: { decision, answer: new Refusal('idempotency-key-reused') } };
  }
  const { given, ...answer } = open(sealingKey, earlier.sealed);
  const withheld = given && lostSince(given, now, labels);
  return { earlier: { decision, answer: withheld ?? (await unreached(query, answer)) ?? answer } };
}

/** What a connection that was reduced, or granted anew, would be refused now. */
function lostSince(given: Given, now: Given, labels: number): Refusal | undefined {
  if (given.connectionId !== now.connectionId) {
    return new Refusal('idempotency-key-reused', {
      text: 'The Idempotency-Key was used under access that has ended since. Send another key.',
    });
  }
  return labels & given.labels & ~now.labels ? new Refusal('label-not-covered') : undefined;
}

// Row-level security leaves the registrations with the organisation, in the connection's teams.
const UNREACHED = `
select 1 from unnest($1::integer[], $2::uuid[]) k(route, id)
 where not exists (select from registration g where g.route = k.route and g.patient_id = k.id)
 limit 1`;

/** Whether the answer is about a patient whom the connection does not reach any more: by its teams, or at all. */
async function unreached(query: Query, { patients = [] }: Answer): Promise<Refusal | undefined> {
  if (patients.length === 0) return undefined;
  const found = await query('operation-unreached', UNREACHED, [patients.map(routeOf), patients]);
  return found.length === 0
    ? undefined
    : new Refusal('patient-unknown', {
        text: 'A patient of the earlier answer is none any more whom this access reaches. Send it again under another key.',
      });
}

const KEEP = `
update operation_answer set sealed = $4 where organisation_id = $1 and client_id = $2 and key_hash = $3`;

export async function keepAnswer(query: Query, claim: Claim, answer: Answer): Promise<void> {
  const { place, sealingKey, given } = claim;
  await query('operation-keep', KEEP, [...place, seal(sealingKey, { ...answer, given })]);
}

const RELEASE =
  'delete from operation_answer where organisation_id = $1 and client_id = $2 and key_hash = $3';

/** What was refused may be sent again, put right or not, under the same key. */
export async function releaseClaim(query: Query, place: Place): Promise<void> {
  await query('operation-release', RELEASE, place);
}

/** What makes a request the same: where it went and what was in it. */
export function requestHashOf({ segments, query, body, parsed }: Call): Buffer {
  const sent = Buffer.isBuffer(body) ? body : JSON.stringify(parsed?.resource ?? null);
  return createHash('sha256')
    .update(JSON.stringify([segments, query]))
    .update(sent)
    .digest();
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Without `given` where it was kept by an earlier version. */
type Kept = Answer & { given?: Given };

function seal(key: Buffer, answer: Kept): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const text = JSON.stringify({ ...answer, body: answer.body?.toString() ?? null });
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

function open(key: Buffer, sealed: Buffer): Kept {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  const answer = JSON.parse(text.toString()) as Kept;
  return { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } };
}
