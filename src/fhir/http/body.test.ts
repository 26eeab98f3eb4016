import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { bodyOf } from './body.ts';

const sent = (text: string) =>
  bodyOf({ headers: { 'content-type': 'application/fhir+json' }, body: Buffer.from(text) });

const digits = (max: number) =>
  fc.array(fc.constantFrom(...'0123456789'), { minLength: 1, maxLength: max }).map((some) => some.join(''));

/** Every form in which JSON (RFC 8259 section 6) may write a number. */
const writtenNumber = fc
  .record({
    minus: fc.constantFrom('', '-'),
    whole: fc.oneof(
      fc.constant('0'),
      digits(18).map((some) => some.replace(/^0+(?=\d)/, '')),
    ),
    fraction: fc.oneof(
      fc.constant(''),
      digits(18).map((some) => `.${some}`),
    ),
    exponent: fc.constantFrom('', '', '', 'e3', 'E-2', 'e+10'),
  })
  .map(({ minus, whole, fraction, exponent }) => minus + whole + fraction + exponent);

it('prints each number as it was sent, wherever it stands', () => {
  fc.assert(
    fc.property(writtenNumber, writtenNumber, fc.constantFrom('', ' ', '\n'), (one, other, space) => {
      const text = `{"a":${space}${one},"b":[${one},${space}${other}],"c":{"d":${space}${other}}}`;
      assert.equal(JSON.stringify(sent(text).printed), text.replaceAll(/\s/g, ''));
    }),
    { numRuns: 3000 },
  );
});

it('reads what dates, ids and codes look like only once', () => {
  const text = JSON.stringify({
    effectiveDateTime: '2026-03-04T08:30:00Z',
    subject: { reference: 'Patient/3e1f0d72-84ef-9494-af4c-0f3ce71d1e50' },
    code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
    valueQuantity: { value: 134, unit: 'mmHg' },
    component: [{ valueQuantity: { value: 36.6 } }, { valueQuantity: { value: -2.25 } }],
  });
  const { resource, printed } = sent(text);
  assert.equal(printed, resource);
  assert.equal(JSON.stringify(printed), text);
});
