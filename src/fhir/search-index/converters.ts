import type { SearchParameter } from '../definitions/definitions.ts';
import { bareEntry, codedEntries, entry, exactEntry, identifierCode } from './entries.ts';
import { normaliseText } from './normalise-text.ts';
import { type Period, periodOf, spanOf, unite } from './period.ts';

/** What has been found so far. */
export interface Collect {
  tokens: string[];
  identifiers: string[];
  strings: string[];
  dates: Record<string, Period[]>;
  numbers: Record<string, number[]>;
}

/** Adds the entries of one value; `coded` is where its token entries go. */
export type Convert = (value: unknown, into: Collect, coded: string[]) => void;

/** How values of a data type are indexed for a parameter; undefined where R4 gives that pair no meaning. */
export function converterFor(parameter: SearchParameter, dataType: string): Convert | undefined {
  const { code, type } = parameter;
  switch (type) {
    case 'token':
      return parameter.impliedSystems
        ? (value, _into, coded) => void coded.push(bareEntry(code, String(value)))
        : tokenConverter(code, dataType);
    case 'reference':
      return referenceConverter(code, dataType);
    case 'uri':
      return canonical(code);
    case 'date':
      return dateConverter(code, dataType);
    case 'string':
      return stringConverter(code, dataType);
    case 'number':
    case 'quantity':
      return numberConverter(code, dataType);
    default:
      return undefined;
  }
}

type Json = Record<string, unknown>;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function tokenConverter(code: string, dataType: string): Convert | undefined {
  const coding = (value: Json, coded: string[]) =>
    coded.push(...codedEntries(code, text(value.system), text(value.code)));
  switch (dataType) {
    case 'Coding':
      return (value, _into, coded) => coding(value as Json, coded);
    case 'CodeableConcept':
      return (value, _into, coded) => {
        const codings = (value as Json).coding;
        if (Array.isArray(codings)) for (const one of codings) coding(one, coded);
      };
    case 'Identifier':
      return (value, _into, coded) => {
        const { system, value: number } = value as Json;
        coded.push(...codedEntries(code, text(system), text(number)));
      };
    case 'ContactPoint':
      return (value, _into, coded) =>
        coded.push(...codedEntries(code, undefined, text((value as Json).value)));
    case 'code':
    case 'string':
    case 'uri':
    case 'id':
    case 'boolean':
      return (value, _into, coded) => coded.push(...codedEntries(code, undefined, String(value)));
    default:
      return undefined;
  }
}

function referenceConverter(code: string, dataType: string): Convert | undefined {
  if (dataType === 'canonical' || dataType === 'uri') return canonical(code);
  if (dataType === 'Resource') {
    return (value, into) => {
      const { resourceType, id } = value as Json;
      if (id) into.tokens.push(entry(code, resourceType + '/' + id));
    };
  }
  if (dataType !== 'Reference') return undefined;
  return (value, into) => {
    const { reference, identifier } = value as Json;
    // A contained resource has no address of its own, and a bare id is none.
    if (typeof reference === 'string' && /[/:]/.test(reference) && !reference.startsWith('#')) {
      into.tokens.push(entry(code, withoutVersion(reference)));
    }
    if (identifier) {
      const { system, value: number } = identifier as Json;
      into.tokens.push(...codedEntries(identifierCode(code), text(system), text(number)));
    }
  };
}

/** A reference to a version is found as a reference to the resource (R4 section 3.1.1.4.12). */
export const withoutVersion = (reference: string): string => reference.replace(/\/_history\/[^/]*$/, '');

/** A canonical with a version is found with it and without. */
function canonical(code: string): Convert {
  return (value, into) => {
    const address = String(value);
    into.tokens.push(entry(code, address));
    const version = address.indexOf('|');
    if (version > 0) into.tokens.push(entry(code, address.slice(0, version)));
  };
}

function dateConverter(code: string, dataType: string): Convert | undefined {
  const period = DATE_TYPES[dataType];
  if (!period) return undefined;
  return (value, into) => {
    const found = period(value);
    if (!found) return;
    const periods = into.dates[code];
    if (periods) periods.push(found);
    else into.dates[code] = [found];
  };
}

const fromText = (value: unknown) => periodOf(String(value));

const DATE_TYPES: Record<string, (value: unknown) => Period | undefined> = {
  date: fromText,
  dateTime: fromText,
  instant: fromText,
  Period: (value) => spanOf((value as Json).start, (value as Json).end),
  Timing: timingSpan,
};

/** "The specified scheduling details are ignored and only the outer limits matter" (R4 section 3.1.1.4.7). */
function timingSpan(value: unknown): Period | undefined {
  const { event, repeat } = value as { event?: string[]; repeat?: { boundsPeriod?: Json } };
  const bounds = repeat?.boundsPeriod;
  const periods = (event ?? []).map((one) => periodOf(String(one)));
  if (bounds) periods.push(spanOf(bounds.start, bounds.end));
  return periods.reduce((whole, next) => {
    if (!whole || !next) return whole ?? next;
    return unite(whole, next);
  }, undefined);
}

const STRING_PARTS: Record<string, readonly string[]> = {
  HumanName: ['text', 'family', 'given', 'prefix', 'suffix'],
  Address: ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country'],
};

function stringConverter(code: string, dataType: string): Convert | undefined {
  const add = (value: unknown, into: Collect) => {
    if (typeof value !== 'string') return;
    const normalised = normaliseText(value);
    if (normalised) into.strings.push(code + '=' + normalised);
    into.tokens.push(exactEntry(code, value));
  };
  if (dataType === 'string' || dataType === 'markdown') return add;
  const parts = STRING_PARTS[dataType];
  if (!parts) return undefined;
  return (value, into) => {
    for (const part of parts) {
      const found = (value as Json)[part];
      if (Array.isArray(found)) for (const one of found) add(one, into);
      else add(found, into);
    }
  };
}

function numberConverter(code: string, dataType: string): Convert | undefined {
  const add = (value: unknown, into: Collect) => {
    if (typeof value !== 'number') return;
    const numbers = into.numbers[code];
    if (numbers) numbers.push(value);
    else into.numbers[code] = [value];
  };
  switch (dataType) {
    case 'decimal':
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return add;
    case 'Quantity':
    case 'Age':
    case 'Duration':
    case 'Money':
      return (value, into) => {
        const quantity = value as Json;
        add(quantity.value, into);
        const unit = text(quantity.code) ?? text(quantity.currency) ?? text(quantity.unit);
        into.tokens.push(...codedEntries(code, text(quantity.system), unit));
      };
    default:
      return undefined;
  }
}
