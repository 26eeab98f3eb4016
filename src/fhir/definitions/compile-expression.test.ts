import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ElementDefinition } from '@medplum/fhirtypes';
import { compileExpression } from './compile-expression.ts';
import { parseExpression } from './parse-expression.ts';

const element = (path: string, ...types: string[]): [string, ElementDefinition] => [
  path,
  { path, type: types.map((code) => ({ code })) } as ElementDefinition,
];

const elements = new Map([
  element('Visit.subject', 'Reference'),
  element('Visit.when[x]', 'dateTime', 'Period'),
  element('Visit.contact', 'ContactPoint'),
  element('Visit.step', 'BackboneElement'),
  element('Visit.step.code', 'CodeableConcept'),
  element('CodeableConcept.text', 'string'),
]);
elements.set('Visit.step.next', {
  path: 'Visit.step.next',
  contentReference: '#Visit.step',
} as ElementDefinition);

function compiled(source: string) {
  const expression = parseExpression(source);
  assert.ok(expression, source);
  return compileExpression(expression, 'Visit', elements).map(
    ({ steps, type }) => steps.map((step) => step.join(' ')).join(' / ') + ' : ' + type,
  );
}

const CASES: [expression: string, ...paths: string[]][] = [
  ['Visit.subject', 'get subject : Reference'],
  ['Visit.subject.where(resolve() is Patient)', 'get subject / refers Patient : Reference'],
  ['Other.subject | Visit.subject', 'get subject : Reference'],
  ['Visit.when', 'get whenDateTime : dateTime', 'get whenPeriod : Period'],
  ['(Visit.when.ofType(Period)) | Other.x', 'get whenPeriod : Period'],
  ['(Visit.when as Period)', 'get whenPeriod : Period'],
  ['Visit.when.as(dateTime)', 'get whenDateTime : dateTime'],
  ["Visit.contact.where(system='phone')", 'get contact / equals system phone : ContactPoint'],
  ['(Visit.step.code.ofType(CodeableConcept)).text', 'get step / get code / get text : string'],
  ['Visit.step.next.code', 'get step / get next / get code : CodeableConcept'],
  ['Visit.step[0].code', 'get step / at 0 / get code : CodeableConcept'],
  ['subject | Visit.contact', 'get subject : Reference', 'get contact : ContactPoint'],
  ['Visit.when.exists() and Visit.when != false', 'truth whenDateTime whenPeriod : boolean'],
  ['Visit.unknown'],
];

for (const [expression, ...paths] of CASES) {
  test(`the expression ${expression} leads where it says`, () => {
    assert.deepEqual(compiled(expression), paths);
  });
}

test('an expression outside the known grammar is not guessed at', () => {
  for (const source of [
    '',
    'Visit.',
    'Visit.subject)',
    '(Visit.subject',
    'Visit.subject.first()',
    "Visit.contact.where(system!='phone')",
    "Visit.contact.where(system='phone' and use='home')",
    'Visit.step[x]',
    'Visit.subject or Visit.contact',
    'Visit.when.ofType()',
  ]) {
    assert.equal(parseExpression(source), undefined, source);
  }
});
