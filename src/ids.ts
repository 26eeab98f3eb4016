import { randomBytes } from 'node:crypto';

/**
 * Ids the server assigns are UUIDv8 (RFC 9562 section 5.8). Their first 32 bits are the **routing key**:
 * random for a patient or an organisation, and copied into the id of every resource that belongs to it, so
 * that a read by id alone names the one shard (and the one stretch of index) that holds the row.
 * The other 90 free bits are random, so ids cannot be guessed.
 */
export type RandomBytes = (size: number) => Buffer;

/**
 * Random bytes from a pool that is filled once, for who needs thousands of them: a call for each takes longer than all
 * that is done with them. Beyond the pool they are made one by one.
 */
export function pooledRandom(bytes: number): RandomBytes {
  const pool = randomBytes(bytes);
  let used = 0;
  return (size) => {
    used += size;
    return used <= pool.length ? pool.subarray(used - size, used) : randomBytes(size);
  };
}

/** A new id for a patient, an organisation, or anything that starts its own routing key. */
export function newRootId(random: RandomBytes = randomBytes): string {
  return format(random(16));
}

/** A new id for a resource that belongs to `ownerId` (a patient, else an organisation): same routing key. */
export function newResourceId(ownerId: string, random: RandomBytes = randomBytes): string {
  const bytes = random(16);
  bytes.write(ownerId.slice(0, 8), 0, 'hex');
  return format(bytes);
}

/** The routing key of an id, as PostgreSQL's signed `integer`. The id must already be a UUID (see `isUuid`). */
export function routeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8), 16) | 0;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a lower-case UUID of any version; FHIR ids are case-sensitive, so upper case is another id. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

function format(bytes: Buffer): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
