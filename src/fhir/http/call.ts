import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { isUuid } from '../../ids.ts';
import type { Asked } from '../store/query.ts';
import type { Body } from './body.ts';
import { Refusal } from './refusal.ts';

/** One request under a FHIR base, taken apart without a look at anything but itself. */
export type Call = ReturnType<typeof callOf> & {
  /** The body of an entry of a Bundle, which is parsed already. */
  parsed?: Body;
  /** The id that a create inside a transaction was promised. */
  newId?: string;
  /** Of a Binary inside a transaction: whose rules it follows, which may stand in a later entry. */
  context?: Followed;
};

/** Whose a resource is that another follows, and its privacy label. */
export type Followed = { patientId: string | null; label: number };

/**
 * @param base the FHIR base that the caller used, absolute
 * @param named the organisation as the caller names it, if at all
 */
export function callOf(request: FastifyRequest, base: string, named: string | undefined) {
  const [path = '', query = ''] = splitOnce(request.raw.url ?? '/', '?');
  return {
    method: request.method,
    base,
    named,
    organisation: wellFormed(named),
    /** Below the base, without empty segments; a segment that cannot be decoded is left out of reach. */
    segments: decodedSegments(path.slice(base.length - base.indexOf('/', base.indexOf('//') + 2))),
    query,
    headers: request.headers,
    body: request.body as Buffer | undefined,
    requestId: request.id,
    address: request.ip,
  };
}

/** A batch or transaction, sent to the base itself (R4 section 3.1.0.11). */
export const isBundle = ({ method, segments }: Pick<Call, 'method' | 'segments'>): boolean =>
  method === 'POST' && segments.length === 0;

const ODS_CODE = /^[A-Za-z0-9]{3,10}$/;

/** No organisation has this id, so whoever asks for what is none is answered like one without a connection. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

function wellFormed(named: string | undefined): string {
  const id = named?.toLowerCase() ?? '';
  if (isUuid(id)) return id;
  return named !== undefined && ODS_CODE.test(named) ? named.toUpperCase() : NOBODY;
}

/** RFC 6750 section 2.1, the header alone: a token in an address ends up in logs. */
export function tokenHashOf(call: Pick<Call, 'headers' | 'query'>): Buffer {
  if (/(^|&)access_token=/.test(call.query)) {
    throw new Refusal('token-missing', {
      text: 'The access token belongs in the header, never in the address.',
    });
  }
  const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(call.headers.authorization ?? '')?.[1];
  if (!token) throw new Refusal('token-missing');
  return hash('sha256', token, 'buffer');
}

/** The first parameters of every statement. A type's own permission does, and so does the wildcard's. */
export function askedBy(call: Call, type: string, letter: string): Asked {
  return [tokenHashOf(call), call.organisation, `{"${type}.${letter}","*.${letter}"}`];
}

/** Everything that was asked for, in the address and, for a search by POST, in its form (R4 section 3.1.1.1). */
export function parametersOf(call: Call): [string, string][] {
  const parameters = call.query ? [...new URLSearchParams(call.query)] : [];
  if (call.method !== 'POST' || call.segments[1] !== '_search') return parameters;
  if (!call.body || call.body.length === 0) return parameters;
  const type = call.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') {
    throw new Refusal('format-not-supported', {
      text: 'Send a search as application/x-www-form-urlencoded.',
    });
  }
  return [...parameters, ...new URLSearchParams(call.body.toString('utf8'))];
}

/** `Prefer: handling=lenient` (R4 section 3.1.1.2). */
export const lenient = (call: Call): boolean => preferences(call).get('handling') === 'lenient';

/** The preferences of RFC 7240, by name. */
export function preferences(call: Pick<Call, 'headers'>): Map<string, string> {
  const given = [call.headers.prefer ?? []].flat().join(',');
  return new Map(
    given.split(/[,;]/).map((one) => {
      const [name = '', value = ''] = splitOnce(one, '=');
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')];
    }),
  );
}

export const decodedSegments = (path: string): string[] => path.split('/').filter(Boolean).map(decoded);

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '\0';
  }
}

export function splitOnce(text: string, separator: string): [string, string?] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + separator.length)];
}
