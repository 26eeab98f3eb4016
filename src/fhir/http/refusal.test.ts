import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { outcomeText, REFUSAL_SYSTEM, Refusal } from './refusal.ts';
import { REFUSALS, type RefusalCode } from './refusal-codes.ts';

const documented = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
const CODES = Object.keys(REFUSALS) as RefusalCode[];

test('every refusal code is documented with its status', () => {
  for (const code of CODES) {
    assert.ok(documented.includes(`| \`${code}\` | ${REFUSALS[code].status} |`), code);
  }
});

test('no code is documented that does not exist', () => {
  const named = [...documented.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(named.sort(), [...CODES].sort());
});

test('every code that the decision in SQL can give is a refusal', () => {
  const sql = readFileSync(new URL('../../database/migrations/0002-decision.sql', import.meta.url), 'utf8');
  const given = [...sql.matchAll(/outcome := '([a-z-]+)'/g)].map((match) => match[1]!);
  const refused = given.filter((code) => !['allowed', 'created', 'linked', 'connection-'].includes(code));
  assert.ok(refused.length >= 7);
  for (const code of [...refused, 'connection-suspended', 'connection-expired', 'connection-revoked']) {
    assert.ok(code in REFUSALS, code);
  }
});

test('an outcome holds code, text for people and the reference', () => {
  const outcome = JSON.parse(outcomeText(new Refusal('connection-revoked'), 'ref-1'));
  assert.deepEqual(outcome, {
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity: 'error',
        code: 'forbidden',
        details: {
          coding: [{ system: REFUSAL_SYSTEM, code: 'connection-revoked' }],
          text: REFUSALS['connection-revoked'].text,
        },
        diagnostics: 'Reference ref-1',
      },
    ],
  });
});

test('each issue keeps its place, and only the first carries the code and the reference', () => {
  const issues = [
    { code: 'required', diagnostics: 'Missing', expression: 'Observation.status' },
    { code: 'informational', diagnostics: 'Known: a, b' },
  ];
  const [first, second] = JSON.parse(outcomeText(new Refusal('resource-invalid', { issues }), 'ref-2')).issue;
  assert.equal(first.details.coding[0].code, 'resource-invalid');
  assert.deepEqual(first.expression, ['Observation.status']);
  assert.equal(first.diagnostics, 'Missing. Reference ref-2');
  assert.deepEqual(second, { severity: 'information', code: 'informational', diagnostics: 'Known: a, b' });
});
