import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Observation } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { printTable } from '../../examples/display-record/print-table.ts';
import { SECTIONS, sectionText } from '../../examples/display-record/sections.ts';
import { dayOf, patientLine, valueText } from '../../examples/display-record/words.ts';
import type { FhirClient } from '../../examples/shared/fhir-client.ts';
import { Refused } from '../../examples/shared/refused.ts';

const WANTED = { patient: 'p', results: 3, width: 110 };
const sectionOf = (type: string) => SECTIONS.find((section) => section.type === type)!;

function clientWith(records: object[], asked: object[] = []) {
  return {
    async *search(_type: string, parameters: object) {
      asked.push(parameters);
      yield* records;
    },
  } as unknown as FhirClient;
}

describe('a part of the record', () => {
  it('shows current problems first and leaves out what was entered in error', async () => {
    const problem = (text: string, status: string, verification = 'confirmed') => ({
      code: { text },
      clinicalStatus: { coding: [{ code: status }] },
      verificationStatus: { coding: [{ code: verification }] },
      onsetDateTime: '2026-03',
    });
    const text = await sectionText(
      clientWith([
        problem('Cough', 'resolved'),
        problem('Gout', 'active', 'entered-in-error'),
        problem('Asthma', 'active'),
      ]),
      sectionOf('Condition'),
      WANTED,
    );
    assert.match(text, /^Problems \(2\)\n.*\n.*\n {2}Asthma +active +2026-03\n {2}Cough/);
  });

  it('asks for no more results than wanted, the latest first', async () => {
    const asked: object[] = [];
    const results = Array.from({ length: 9 }, (_, n) => ({ code: { text: `Test ${n}` }, status: 'final' }));
    const text = await sectionText(clientWith(results, asked), sectionOf('Observation'), WANTED);
    assert.match(text, /^Latest results \(3\)/);
    assert.deepEqual(asked, [{ patient: 'p', _sort: '-date', _count: '3' }]);
  });

  it('says when the connection does not cover it, and lets no other refusal pass', async () => {
    const refusing = (code: string) =>
      ({
        // biome-ignore lint/correctness/useYield: it is refused before there is anything to give
        async *search() {
          throw new Refused({ status: 403, code, text: '', reference: 'r1' });
        },
      }) as unknown as FhirClient;
    const allergies = sectionOf('AllergyIntolerance');
    assert.match(
      await sectionText(refusing('scope-insufficient'), allergies, WANTED),
      /Not shown: .*Reference: r1$/,
    );
    await assert.rejects(sectionText(refusing('connection-revoked'), allergies, WANTED));
  });

  it('says None for an empty part', async () => {
    assert.equal(await sectionText(clientWith([]), sectionOf('Condition'), WANTED), 'Problems (0)\n  None.');
  });
});

describe('words for the record', () => {
  const of = (parts: Partial<Observation>) => valueText(parts as Observation);
  const mmHg = (value: number) => ({ code: {}, valueQuantity: { value, unit: 'mmHg' } });

  for (const [shown, parts] of [
    ['5.2 mmol/L', { valueQuantity: { value: 5.2, unit: 'mmol/L' } }],
    ['<0.1 g', { valueQuantity: { value: 0.1, comparator: '<', code: 'g' } }],
    ['132/84 mmHg', { component: [mmHg(132), mmHg(84)] }],
    ['Detected', { valueCodeableConcept: { coding: [{ code: '1', display: 'Detected' }] } }],
    ['no', { valueBoolean: false }],
    ['0', { valueInteger: 0 }],
    ['1 g to 2 g', { valueRange: { low: { value: 1, unit: 'g' }, high: { value: 2, unit: 'g' } } }],
    ['no value: Not performed', { dataAbsentReason: { text: 'Not performed' } }],
    [
      'Eyes: 4; Speech: 5',
      { component: [4, 5].map((n) => ({ code: { text: n === 4 ? 'Eyes' : 'Speech' }, valueInteger: n })) },
    ],
  ] as [string, Partial<Observation>][]) {
    it(`a value: ${shown}`, () => assert.equal(of(parts), shown));
  }

  it('dates are no more exact than the record', () => {
    assert.deepEqual(['2026-09-08', '2026-06-30T23:30:00Z', '2026-03', '2026', undefined].map(dayOf), [
      '08 Sep 2026',
      '01 Jul 2026',
      '2026-03',
      '2026',
      '',
    ]);
  });

  it('a patient is named so that no two can be mixed up, and a death is said', () => {
    const line = patientLine({
      resourceType: 'Patient',
      name: [{ family: 'Akhtar', given: ['Zainab', 'Nadia'], prefix: ['Ms'] }],
      birthDate: '1990-09-28',
      gender: 'female',
      deceasedDateTime: '2026-01-02',
      identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9992718285' }],
    });
    assert.equal(
      line,
      'AKHTAR, Zainab Nadia (Ms)   Born 28 Sep 1990   Died 02 Jan 2026   Gender female   NHS number 999 271 8285',
    );
  });
});

describe('a table', () => {
  it('keeps every word, and stays within its width where its words allow', () => {
    const cell = fc
      .array(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 12 })
      .map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 }), (rows) => {
        const text = printTable(['A', 'B', 'C'], rows, 60);
        for (const line of text.split('\n')) assert.ok(line.length <= 60, line);
        const words = (from: string) => from.split(/\s+/).filter(Boolean).sort();
        const printed = text.split('\n').filter((_, line) => line !== 1);
        assert.deepEqual(words(printed.join(' ')), words(['A B C', ...rows.flat()].join(' ')));
      }),
    );
  });

  it('cannot be used to steer the terminal', () => {
    const text = printTable(['Name'], [['\u001b[2Jgone\u0007\r\u202edesrever']], 60);
    assert.match(text, /^ {2}Name\n.*\n {2}\[2Jgone desrever$/);
  });
});
