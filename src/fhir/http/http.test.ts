import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf } from './body.ts';
import { preferences } from './call.ts';
import { checkAccepted, checkSent } from './formats.ts';
import { ifMatchOf } from './if-match.ts';
import { Refusal } from './refusal.ts';

const refuses = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;
const json = { 'content-type': 'application/fhir+json' };
const sent = (text: string | Buffer) => ({ headers: json, body: Buffer.from(text as string) });

test('numbers are printed with the precision that they were sent with', () => {
  for (const text of ['{"a":1.10,"b":[0.0,1e3,-0,12345678901234567890],"c":"1.0"}', '{"a":1.5,"b":2}']) {
    assert.equal(JSON.stringify(bodyOf(sent(text)).printed), text);
  }
  assert.deepEqual(bodyOf(sent('{"a":1.10}')).resource, { a: 1.1 });
});

test('a body that is not JSON in UTF-8 is refused without quoting it', () => {
  const bad = [
    sent('{"name":"Sm'),
    sent(''),
    sent(Buffer.from([0x22, 0xff, 0x22])),
    { headers: json, body: undefined },
  ];
  for (const body of bad) {
    assert.throws(
      () => bodyOf(body),
      (error) => refuses('body-malformed')(error) && !(error as Refusal).text.includes('Sm'),
    );
  }
});

test('JSON is acceptable in all its names, and nothing else is', () => {
  const accepted = [
    'application/fhir+json',
    'application/json; charset=utf-8',
    '*/*',
    'text/html, application/fhir+json;q=0.1',
    '',
  ];
  for (const accept of accepted) checkAccepted({ headers: { accept } }, null);
  checkAccepted({ headers: {} }, null);
  for (const accept of [
    'application/fhir+xml',
    'text/html',
    'application/json;q=0',
    'application/json; charset=latin1',
  ]) {
    assert.throws(
      () => checkAccepted({ headers: { accept } }, null),
      refuses('format-not-acceptable'),
      accept,
    );
  }
});

test('_format goes before Accept', () => {
  for (const format of ['json', 'application/fhir json', 'application/fhir+json']) {
    checkAccepted({ headers: { accept: 'text/html' } }, format);
  }
  assert.throws(() => checkAccepted({ headers: { accept: '*/*' } }, 'xml'), refuses('format-not-acceptable'));
});

test('a body must say that it is JSON in UTF-8', () => {
  for (const type of ['application/fhir+json; fhirVersion=4.0', 'application/json;charset=UTF-8']) {
    checkSent({ headers: { 'content-type': type } });
  }
  for (const type of [
    'application/xml',
    undefined,
    'application/json; charset=latin1',
    'application/fhir+json; fhirVersion=3.0',
  ]) {
    assert.throws(
      () => checkSent({ headers: { 'content-type': type } }),
      refuses('format-not-supported'),
      type,
    );
  }
});

test('If-Match is one version', () => {
  assert.equal(ifMatchOf({ headers: {} }), null);
  assert.equal(ifMatchOf({ headers: { 'if-match': 'W/"12"' } }), 12);
  assert.equal(ifMatchOf({ headers: { 'if-match': '"12"' } }), 12);
  for (const tag of ['12', 'W/"a"', '*', 'W/"1", W/"2"', '']) {
    assert.throws(() => ifMatchOf({ headers: { 'if-match': tag } }), refuses('request-malformed'), tag);
  }
});

test('preferences are read as RFC 7240 writes them', () => {
  const given = preferences({ headers: { prefer: 'return=minimal; foo, handling="lenient"' } });
  assert.equal(given.get('return'), 'minimal');
  assert.equal(given.get('handling'), 'lenient');
});
