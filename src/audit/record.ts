import { createHash, hash } from 'node:crypto';
import { hmacSha256 } from '../hmac.ts';
import type { AuditValues } from './entry.ts';

/** A row of audit_record without its hash. */
export type AuditRecord = AuditValues & { chain: string; sequence: number };

/** A place in a chain: the record there and everything before it. */
export type Head = { chain: string; sequence: number; hash: Buffer };

/**
 * The hash of a record: SHA-256 over the hash of the one before it and the record itself, as a JSON array with the
 * columns in a fixed order, so that anyone with the row can compute it again. docs/audit.md says it in full.
 */
export function hashRecord(previous: Buffer, record: AuditRecord): Buffer {
  return hash('sha256', Buffer.concat([previous, Buffer.from(canonical(record))]), 'buffer');
}

/** What the first record of a chain is linked to: tied to the chain, so that none can be passed off as another. */
export function genesisOf(chain: string): Buffer {
  return createHash('sha256').update(`audit chain ${chain}`).digest();
}

/** Needs the audit key, which the database does not hold: whoever can write the tables cannot make one. */
export function signCheckpoint(auditKey: Buffer, { chain, sequence, hash }: Head, micros: string): Buffer {
  const statement = JSON.stringify(['audit checkpoint', chain, sequence, hash.toString('hex'), micros]);
  return hmacSha256(auditKey).update(statement).digest();
}

/** How a chain's first record names the end of another: `chain:sequence:hash`. */
export function nameOf({ chain, sequence, hash }: Head): string {
  return `${chain}:${sequence}:${hash.toString('hex')}`;
}

/** The head that was named so; undefined when it is no such name. */
export function headOf(name: string): Head | undefined {
  const [, chain, sequence, hash] = NAME.exec(name) ?? [];
  return chain ? { chain, sequence: Number(sequence), hash: Buffer.from(hash!, 'hex') } : undefined;
}

const NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([1-9]\d{0,14}):([0-9a-f]{64})$/;

function canonical(r: AuditRecord): string {
  return JSON.stringify([
    r.chain,
    r.sequence,
    r.micros,
    r.request_id,
    r.kind,
    r.interaction,
    r.outcome,
    r.status,
    r.client_id,
    r.connection_id,
    r.organisation_id,
    r.account_id,
    r.resource_type,
    r.resource_id,
    r.query,
    r.patients,
    r.count,
    r.bytes,
    r.address,
    r.detail,
    // A later column: without a value the record is written as it was before there was one.
    ...(r.named ? [r.named] : []),
  ]);
}
