import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeError } from './log.ts';

test('an error of the database is logged by its codes, never with the values it quotes', () => {
  const error = Object.assign(new Error('invalid input syntax for type date: "1948-07-05"'), {
    severity: 'ERROR',
    code: '22007',
    detail: 'Key (email)=(ada@example.org) already exists.',
    constraint: 'account_email',
  });
  const line = JSON.stringify(describeError(error));
  assert.match(line, /22007/);
  assert.match(line, /account_email/);
  assert.doesNotMatch(line, /1948|ada@/);
});

test('an error of our own keeps its message, its code and its cause', () => {
  const logged = describeError(
    Object.assign(new Error('no room', { cause: new TypeError('x is not y') }), { code: 'FULL' }),
  );
  assert.equal(logged.message, 'no room');
  assert.equal(logged.code, 'FULL');
  assert.deepEqual((logged.cause as { message: string }).message, 'x is not y');
  assert.ok(!(logged.stack as string[]).join('').includes('no room'));
});

test('something thrown that is no error is named by its kind alone', () => {
  assert.deepEqual(describeError('patient 943 476 5919'), { type: 'string' });
});
