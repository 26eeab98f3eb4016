import { healthNumbersIn } from '../../audit/audit.ts';
import { isUuid } from '../../ids.ts';
import { type Call, parametersOf } from './call.ts';
import { isFhirFormat } from './formats.ts';

const NAMED_MAX = 20;
/** As many as any list may hold. */
export const NUMBERS_MAX = 5000;

/**
 * The patients whom a request names by id, for the audit record: one that was refused, or found nothing, is shown to
 * them as an attempt. Whether there are such patients is not looked up, so that an answer costs and tells nothing more.
 */
export function namedPatients(call: Call): string[] {
  const [type, id] = call.segments;
  const ids = new Set<string>();
  for (const [name, value] of askedOf(call)) {
    const own = name === '_id' && type === 'Patient';
    if (!own && !/^(patient|subject)(:Patient)?$/.test(name)) continue;
    for (const one of value.split(',', NAMED_MAX)) {
      // An id, a reference, or a reference by its whole address (R4 section 3.1.1.4.12).
      const named = /^(?:(?:.*\/)?Patient\/)?([^/]+)$/.exec(one)?.[1] ?? '';
      if (isUuid(named)) ids.add(named);
    }
  }
  if (type === 'Patient' && id !== undefined && isUuid(id)) ids.add(id);
  const context = /^(?:.*\/)?Patient\/([^/]+)/.exec(contextOf(call))?.[1] ?? '';
  if (isUuid(context)) ids.add(context);
  return [...ids].slice(0, NAMED_MAX);
}

/** The national numbers that a request names where it says what it is about: in its address, form and conditions. */
export function numbersAsked(call: Call): string[] {
  const { segments, headers } = call;
  const values = askedOf(call).map(([, value]) => value);
  return distinct([...segments, ...values, String(headers['if-none-exist'] ?? '')].flatMap(healthNumbersIn));
}

/** `X-Security-Context` of a file that is sent as it is (R4 section 2.47.4). */
export function contextOf(call: Call): string {
  const context = call.headers['x-security-context'];
  return isNative(call) && typeof context === 'string' ? context.trim() : '';
}

/** A file is no FHIR: what stands in it names nobody. */
export function isNative({ segments, headers, parsed }: Call): boolean {
  const sent = headers['content-type'] ?? '';
  return segments[0] === 'Binary' && parsed === undefined && sent !== '' && !isFhirFormat(sent);
}

const distinct = (named: string[]): string[] => [...new Set(named)].slice(0, NUMBERS_MAX);

function askedOf(call: Call): [string, string][] {
  try {
    return parametersOf(call);
  } catch {
    return [...new URLSearchParams(call.query)];
  }
}
