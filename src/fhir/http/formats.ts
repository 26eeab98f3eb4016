import type { Call } from './call.ts';
import { Refusal } from './refusal.ts';

export const FHIR_JSON = 'application/fhir+json; charset=utf-8';

const JSON_NAMES = new Set(['json', 'application/json', 'application/fhir+json', 'text/json']);

/** Refuses any wish for an answer other than JSON; `_format` goes before `Accept` (R4 section 3.1.0.1.11). */
export function checkAccepted(call: Pick<Call, 'headers'>, format: string | null): void {
  if (format !== null) {
    // An unencoded plus sign arrives as a space.
    const wanted = format.replaceAll(' ', '+').split(';')[0]!.trim().toLowerCase();
    if (JSON_NAMES.has(wanted)) return;
    throw new Refusal('format-not-acceptable');
  }
  const accept = call.headers.accept;
  if (accept === undefined || accept === '') return;
  const takes = acceptedTypes(accept).some(
    (name) => name === '*/*' || name === 'application/*' || JSON_NAMES.has(name),
  );
  if (!takes) throw new Refusal('format-not-acceptable');
}

/** The types and ranges of an `Accept` header, without those that it refuses or wants in a charset that is not ours. */
export function acceptedTypes(accept: string): string[] {
  return accept.split(',').flatMap((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (name === '' || parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) return [];
    const charset = parameters.find((parameter) => parameter.startsWith('charset='));
    return charset && !/^charset="?utf-?8"?$/.test(charset) ? [] : [name];
  });
}

/** Whether a type is one in which FHIR resources travel, whether this service speaks it or not. */
export function isFhirFormat(type: string): boolean {
  const [name = ''] = type.toLowerCase().split(';');
  return JSON_NAMES.has(name.trim()) || OTHER_FHIR.test(name.trim());
}

const OTHER_FHIR = /^(application|text)\/(fhir\+)?(xml|turtle|ttl|ndjson|x-turtle)$|^application\/xml\+fhir$/;

/** Refuses a body that does not say that it is JSON in UTF-8. */
export function checkSent(call: Pick<Call, 'headers'>): void {
  const [name = '', ...parameters] = (call.headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  const version = parameters.find((parameter) => parameter.startsWith('fhirversion='));
  if (
    !JSON_NAMES.has(name) ||
    (charset && !/^charset="?utf-?8"?$/.test(charset)) ||
    (version && !/^fhirversion="?4\.0"?$/.test(version))
  ) {
    throw new Refusal('format-not-supported', {
      headers: { 'accept-post': 'application/fhir+json, application/json' },
    });
  }
}
