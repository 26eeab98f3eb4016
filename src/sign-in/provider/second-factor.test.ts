import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readSecondFactor, showsSecondFactor } from './second-factor.ts';

const amr = { secondFactorClaim: 'amr', secondFactorValues: ['mfa', 'hwk'] } as const;
const acr = { secondFactorClaim: 'acr', secondFactorValues: ['urn:two'] } as const;
const shown = (claims: object, rule: typeof amr | typeof acr) =>
  showsSecondFactor(claims as Record<string, unknown>, {
    ...rule,
    secondFactorValues: [...rule.secondFactorValues],
  });

test('a second factor is shown by the claim and the values that the organisation named, and by nothing else', () => {
  for (const [claims, rule, expected] of [
    [{ amr: ['pwd', 'mfa'] }, amr, true],
    [{ amr: ['hwk'] }, amr, true],
    [{ amr: 'mfa' }, amr, true],
    [{ amr: ['pwd'] }, amr, false],
    [{ amr: [] }, amr, false],
    [{ amr: [['mfa']] }, amr, false],
    [{ amr: { mfa: true } }, amr, false],
    [{ acr: 'mfa' }, amr, false],
    [{}, amr, false],
    [{ acr: 'urn:two' }, acr, true],
    [{ acr: ['urn:two'] }, acr, false],
    [{ acr: 'urn:two ' }, acr, false],
    [{ amr: ['urn:two'] }, acr, false],
  ] as const) {
    assert.equal(shown(claims, rule), expected, JSON.stringify(claims));
  }
});

test('no claims without one of the values are let through, whatever else they hold', () => {
  const claims = fc.dictionary(fc.constantFrom('amr', 'acr', 'sub', 'mfa'), fc.anything());
  fc.assert(
    fc.property(claims, (said) => {
      const values = [said.amr].flat(1);
      return shown(said, amr) === values.some((value) => value === 'mfa' || value === 'hwk');
    }),
  );
});

test('what an operator writes is read back, and anything else is refused', () => {
  assert.deepEqual(readSecondFactor(' amr=mfa '), { claim: 'amr', values: ['mfa'] });
  assert.deepEqual(readSecondFactor('acr=urn:a=b,urn:c'), { claim: 'acr', values: ['urn:a=b', 'urn:c'] });
  for (const text of ['', 'amr', 'amr=', 'amr=,', 'sub=x', 'amr=a b', 'AMR=mfa', `amr=${'x,'.repeat(21)}`]) {
    assert.equal(readSecondFactor(text), null, text);
  }
});
