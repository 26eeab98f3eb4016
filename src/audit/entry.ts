import { isUuid } from '../ids.ts';

/**
 * One request and what came of it. Nothing personal: no names, numbers or free text of a patient's; `query` comes from
 * `describeQuery`, anything else that is personal through `hashNumbers`.
 */
export type AuditEntry = {
  kind: 'fhir' | 'token' | 'page' | 'operator';
  /** 'read', 'search-type', 'create', 'token', 'grant', 'sign-in' … */
  interaction: string;
  /** 'allowed' or a refusal code of docs/errors.md. */
  outcome: string;
  /** The HTTP status that is about to be answered. */
  status: number;
  /** The reference that both sides are given. */
  requestId: string;
  address?: string | null;
  clientId?: string | null;
  connectionId?: string | null;
  organisationId?: string | null;
  accountId?: string | null;
  resourceType?: string | null;
  resourceId?: string | null;
  query?: string | null;
  /** Ids of the patients whose data was touched; of a refused search, those that it named. */
  patients?: readonly string[] | null;
  /**
   * Whom a request named and of whom nothing was touched: patients' ids, and national numbers through `hashPersonal`.
   * Whether there are such patients is not looked up; a patient finds the records by what they are known by.
   */
  named?: readonly string[] | null;
  count?: number | null;
  bytes?: number | null;
  detail?: string | null;
  /** Defaults to now. */
  at?: Date;
};

/** The columns of a row that come from an entry, exactly as they are stored and hashed. */
export type AuditValues = {
  /** Microseconds since 1970, as text: the column holds them, and a double does not for ever. */
  micros: string;
  request_id: string;
  kind: string;
  interaction: string;
  outcome: string;
  status: number;
  client_id: string | null;
  connection_id: string | null;
  organisation_id: string | null;
  account_id: string | null;
  resource_type: string | null;
  resource_id: string | null;
  query: string | null;
  patients: string[] | null;
  count: number | null;
  bytes: number | null;
  address: string | null;
  detail: string | null;
  named: string[] | null;
};

/** @throws {TypeError} when no row can hold the entry: one bad entry must not fail the others of its batch. */
export function toValues(entry: AuditEntry, now: () => Date): AuditValues {
  const at = entry.at ?? now();
  if (!(at.getTime() >= 0 && at.getTime() <= LATEST)) throw invalid('at');
  return {
    micros: microsOf(at),
    request_id: text(entry.requestId, 200),
    kind: text(entry.kind, 20),
    interaction: text(entry.interaction, 100),
    outcome: text(entry.outcome, 100),
    status: whole(entry.status, 'status', 999),
    client_id: optional(entry.clientId, 200),
    connection_id: uuid(entry.connectionId, 'connectionId'),
    organisation_id: uuid(entry.organisationId, 'organisationId'),
    account_id: uuid(entry.accountId, 'accountId'),
    resource_type: optional(entry.resourceType, 100),
    resource_id: optional(entry.resourceId, 100),
    query: optional(entry.query, 2000),
    // None and an empty list say the same, so they are kept the same.
    patients: entry.patients?.length ? entry.patients.map((id) => uuid(id, 'patients')!) : null,
    count: entry.count == null ? null : whole(entry.count, 'count', MAX_INTEGER),
    bytes: entry.bytes == null ? null : whole(entry.bytes, 'bytes', MAX_INTEGER),
    address: optional(entry.address, 100),
    detail: optional(entry.detail, 2000),
    named: entry.named?.length ? entry.named.map(name) : null,
  };
}

export function microsOf(at: Date): string {
  return String(BigInt(at.getTime()) * 1000n);
}

const LATEST = Date.UTC(2200, 0);
const MAX_INTEGER = 2_147_483_647;

/** What callers send can be in here (an id from the address, say): shortened and made storable, never refused. */
function text(value: string, lengthMax: number): string {
  if (typeof value !== 'string') throw invalid('text');
  const short = value.length > lengthMax ? `${value.slice(0, lengthMax - 1)}…` : value;
  // PostgreSQL's text holds no NUL, and half a surrogate pair is not a character.
  return short.replaceAll('\0', '\ufffd').toWellFormed();
}

function optional(value: string | null | undefined, lengthMax: number) {
  return value == null ? null : text(value, lengthMax);
}

function uuid(value: string | null | undefined, name: string) {
  if (value == null) return null;
  if (isUuid(value)) return value;
  const id = String(value).toLowerCase();
  if (!isUuid(id)) throw invalid(name);
  return id;
}

/** Nothing that would need quotes in the text of an array, in the database as in the chain. */
function name(value: string): string {
  if (!/^[#\w-]{1,100}$/.test(value) || value.toLowerCase() === 'null') throw invalid('named');
  return value;
}

function whole(value: number, name: string, max: number) {
  if (!Number.isInteger(value) || value < 0) throw invalid(name);
  return Math.min(value, max);
}

function invalid(name: string) {
  return Object.assign(new TypeError(`an audit entry's ${name} is not usable`), {
    code: 'AUDIT_ENTRY_INVALID',
  });
}
