import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { definitions } from '../../../test/support/definitions.ts';
import { randomResource } from '../../../test/support/random-resource.ts';
import { ukCoreResources } from '../../../test/support/uk-core.ts';
import type { SearchParameter } from '../definitions/definitions.ts';
import { compileIndexer, type IndexEntries, isIdentifierParameter } from './compile-indexer.ts';
import { compilePath } from './compile-path.ts';
import { dateQuery, periodMatches } from './date-query.ts';
import type { Parsed } from './parsed.ts';
import { referenceQuery, uriQuery } from './reference-query.ts';
import { stringQuery } from './string-query.ts';
import { codedQuery, missingQuery, tokenQuery } from './token-query.ts';

type Json = Record<string, unknown>;

const parameter = (type: string, code: string): SearchParameter => definitions.searchParameter(type, code)!;

function value<T>(result: Parsed<T>): T {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

const isRefused = (result: Parsed<unknown>) => assert.equal(result.ok, false, JSON.stringify(result));

test('a token is sought in any system, in one, in none, or as any value of one', () => {
  const code = parameter('Observation', 'code');
  assert.deepEqual(value(tokenQuery(code, '8480-6')), ['code=*|8480-6']);
  assert.deepEqual(value(tokenQuery(code, 'http://loinc.org|8480-6')), ['code=http://loinc.org|8480-6']);
  assert.deepEqual(value(tokenQuery(code, '|8480-6')), ['code=|8480-6']);
  assert.deepEqual(value(tokenQuery(code, 'http://loinc.org|')), ['code=http://loinc.org|']);
  assert.deepEqual(value(tokenQuery(code, 'a,b\\,c,d\\|e,f|g|h')), [
    'code=*|a',
    'code=*|b,c',
    'code=*|d|e',
    'code=f|g|h',
  ]);
  for (const raw of ['', '|', 'a,', ',a', 'a,,b', 'a,|']) isRefused(tokenQuery(code, raw));
});

test('a bare code answers to its own system, and to no other', () => {
  const gender = parameter('Patient', 'gender');
  assert.deepEqual(value(tokenQuery(gender, 'female')), ['gender=*|female']);
  assert.deepEqual(value(tokenQuery(gender, '|female')), ['gender=*|female']);
  assert.deepEqual(value(tokenQuery(gender, 'http://hl7.org/fhir/administrative-gender|female')), [
    'gender=*|female',
  ]);
  assert.deepEqual(value(tokenQuery(gender, 'http://hl7.org/fhir/administrative-gender|')), [
    'gender:present',
  ]);
  assert.deepEqual(value(tokenQuery(gender, 'http://example.org|female')), []);
});

test('a reference is sought by id, by type and id, or by address', () => {
  const subject = parameter('Observation', 'subject');
  assert.deepEqual(value(referenceQuery(subject, 'Patient/1')), ['subject=Patient/1']);
  assert.deepEqual(value(referenceQuery(subject, 'Patient/1/_history/2')), ['subject=Patient/1']);
  assert.deepEqual(value(referenceQuery(subject, '1')).sort(), [
    'subject=Device/1',
    'subject=Group/1',
    'subject=Location/1',
    'subject=Patient/1',
  ]);
  assert.deepEqual(value(referenceQuery(subject, '1', { modifierType: 'Patient' })), ['subject=Patient/1']);
  assert.deepEqual(value(referenceQuery(subject, 'https://else.org/Patient/1')), [
    'subject=https://else.org/Patient/1',
  ]);
  const bases = ['https://us.org/fhir/R4'];
  assert.deepEqual(value(referenceQuery(subject, 'https://us.org/fhir/R4/Patient/1', { bases })), [
    'subject=Patient/1',
  ]);
  assert.deepEqual(value(referenceQuery(subject, 'https://us.org/fhir/R4x/Patient/1', { bases })), [
    'subject=https://us.org/fhir/R4x/Patient/1',
  ]);
  assert.deepEqual(value(codedQuery('subject:identifier', 'http://ids|1')), [
    'subject:identifier=http://ids|1',
  ]);
});

test('a reference that cannot be is refused', () => {
  const subject = parameter('Observation', 'subject');
  for (const raw of ['', 'Patient/', 'a b', 'Patient/a/b', 'Patient/1,', '/1', 'patient/1'])
    isRefused(referenceQuery(subject, raw));
  isRefused(referenceQuery(subject, '1', { modifierType: 'Slot' }));
  isRefused(referenceQuery(subject, 'Group/1', { modifierType: 'Patient' }));
});

test('a text is sought by its beginning, anywhere in it, or exactly', () => {
  const family = parameter('Patient', 'family');
  assert.deepEqual(value(stringQuery(family, "O'Bri")), [{ match: 'starts', entry: 'family=obri' }]);
  assert.deepEqual(value(stringQuery(family, 'BRI', 'contains')), [
    { match: 'contains', code: 'family', text: 'bri' },
  ]);
  assert.deepEqual(value(stringQuery(family, "O'Brien", 'exact')), [
    { match: 'exact', entry: "family:exact=O'Brien" },
  ]);
  assert.deepEqual(value(stringQuery(family, 'a,b\\,c')), [
    { match: 'starts', entry: 'family=a' },
    { match: 'starts', entry: 'family=b c' },
  ]);
  for (const raw of ['', '%', '_', '-', 'a,', "'"]) isRefused(stringQuery(family, raw));
  isRefused(stringQuery(family, '', 'exact'));
});

test(':missing takes true or false', () => {
  const family = parameter('Patient', 'family');
  assert.deepEqual(value(missingQuery(family, 'true')), { entry: 'family:present', missing: true });
  assert.deepEqual(value(missingQuery(family, 'false')), { entry: 'family:present', missing: false });
  isRefused(missingQuery(family, 'yes'));
});

/** Looks for every single value of a resource by the query a caller would write for it. */
function findsItself(resource: Json, entries: IndexEntries): void {
  const type = String(resource.resourceType);
  for (const one of definitions.searchParameters(type)) {
    if (one.code === '_id' || one.code === '_lastUpdated') continue;
    for (const path of one.paths) {
      compilePath(path)(resource, (found) => {
        for (const raw of queriesFor(one, path.type, found)) {
          assert.ok(isFound(one, raw, entries), `${type}?${one.code}=${raw}`);
        }
      });
    }
  }
}

const escaped = (text: unknown) => String(text).replace(/[\\,|$]/g, (sign) => '\\' + sign);

function queriesFor({ type, target }: SearchParameter, dataType: string, found: unknown): string[] {
  const json = found as Json;
  const coded = (system: unknown, code: unknown) => [
    ...(code ? [escaped(code)] : []),
    ...(system && code ? [escaped(system) + '|' + escaped(code)] : []),
    ...(code && !system ? ['|' + escaped(code)] : []),
    ...(system ? [escaped(system) + '|'] : []),
  ];
  switch (type + ' ' + dataType) {
    case 'token CodeableConcept':
      return ((json.coding ?? []) as Json[]).flatMap(({ system, code }) => coded(system, code));
    case 'token Coding':
      return coded(json.system, json.code);
    case 'token Identifier':
      return coded(json.system, json.value);
    case 'token ContactPoint':
      return coded(undefined, json.value);
    case 'token code':
    case 'token boolean':
    case 'token string':
      return coded(undefined, String(found));
    case 'reference Reference': {
      const reference = String(json.reference ?? '');
      const [, named = '', id] = /^([A-Z]\w+)\/([^/]+)$/.exec(reference) ?? [];
      return reference.startsWith('#') || !/[/:]/.test(reference)
        ? []
        : [escaped(reference), ...(id && target?.includes(named) ? [id] : [])];
    }
    case 'uri uri':
    case 'uri url':
    case 'uri canonical':
    case 'reference canonical':
      return [escaped(found), escaped(String(found).split('|')[0])];
    case 'string string':
      return /[\p{L}\p{N}]/u.test(String(found)) ? [escaped(found), escaped(String(found).slice(0, 3))] : [];
    case 'string HumanName':
      return [json.family, ...((json.given ?? []) as string[])].filter(Boolean).map(escaped);
    case 'date date':
    case 'date dateTime':
    case 'date instant':
      return [String(found), 'ge' + found, 'le' + found, 'ap' + found, 'gt0002', 'lt9998'];
    default:
      return [];
  }
}

function isFound(one: SearchParameter, raw: string, entries: IndexEntries): boolean {
  const has = (wanted: string[], list: string[]) => wanted.some((entry) => list.includes(entry));
  switch (one.type) {
    case 'token':
      return has(
        value(tokenQuery(one, raw)),
        isIdentifierParameter(one) ? entries.identifiers : entries.tokens,
      );
    case 'uri':
      return has(value(uriQuery(one, raw)), entries.tokens);
    case 'reference':
      return has(value(referenceQuery(one, raw)), entries.tokens);
    case 'string':
      return value(stringQuery(one, raw)).some(
        (sought) =>
          sought.match === 'starts' && entries.strings.some((entry) => entry.startsWith(sought.entry)),
      );
    case 'date': {
      const periods = entries.dates[one.code] ?? [];
      return value(dateQuery(raw, new Date())).some((sought) =>
        periods.some((period) => periodMatches(period, sought)),
      );
    }
    default:
      return true;
  }
}

test('whatever is indexed is found by its own query: UK Core examples', () => {
  for (const { resource } of ukCoreResources()) {
    findsItself(resource, compileIndexer(definitions, resource.resourceType)(resource));
  }
});

test('whatever is indexed is found by its own query: resources made at random', () => {
  fc.assert(
    fc.property(fc.constantFrom(...definitions.resourceTypes), fc.nat(), (type, seed) => {
      const resource = randomResource(definitions, type, seed);
      findsItself(resource, compileIndexer(definitions, type)(resource));
    }),
    { numRuns: 300 },
  );
});

test('whatever the search value, the answer is a query or a message that does not repeat it', () => {
  const code = parameter('Observation', 'code');
  const subject = parameter('Observation', 'subject');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 4 }), (raw) => {
      for (const result of [
        ...[
          tokenQuery(code, raw),
          referenceQuery(subject, raw),
          uriQuery(code, raw),
          missingQuery(code, raw),
        ],
        ...[stringQuery(code, raw), stringQuery(code, raw, 'exact'), dateQuery(raw, new Date())],
      ]) {
        if (!result.ok) assert.ok(!result.message.includes(raw));
      }
    }),
  );
});
