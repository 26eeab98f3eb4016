import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTogether } from './together.ts';

/** Statements that are answered when told to. */
function manual() {
  const sent: { asked: readonly string[]; answer: () => void; fail: (error: Error) => void }[] = [];
  const run = (asked: readonly string[]) =>
    new Promise<string[]>((resolve, reject) => {
      sent.push({ asked, answer: () => resolve(asked.map((one) => `to ${one}`)), fail: reject });
    });
  return { sent, run };
}

const turn = () => new Promise(setImmediate);

test('what comes in one turn is one statement, and what comes while it is under way waits for it', async () => {
  const { sent, run } = manual();
  const ask = createTogether(run, { most: 3, atOnce: 1 });
  const first = [ask('x', 'a'), ask('x', 'b')];
  assert.equal(sent.length, 0);
  await turn();
  const second = [ask('x', 'c'), ask('x', 'd')];
  await turn();
  assert.deepEqual(
    sent.map(({ asked }) => asked),
    [['a', 'b']],
  );
  sent[0]!.answer();
  assert.deepEqual(await Promise.all(first), ['to a', 'to b']);
  await turn();
  assert.deepEqual(sent[1]!.asked, ['c', 'd']);
  sent[1]!.answer();
  assert.deepEqual(await Promise.all(second), ['to c', 'to d']);
});

test('who asks never shares a statement that began before', async () => {
  const { sent, run } = manual();
  const ask = createTogether(run, { most: 10, atOnce: 2 });
  for (const name of 'abcdef') {
    ask('x', name);
    assert.ok(sent.every(({ asked }) => !asked.includes(name)));
    await turn();
    if (sent.length > 1) sent.at(-2)!.answer();
    await turn();
  }
  const asked = sent.flatMap((statement) => statement.asked);
  assert.deepEqual(asked, [...new Set(asked)]);
});

test('a full statement waits for nobody', () => {
  const { sent, run } = manual();
  const ask = createTogether(run, { most: 2, atOnce: 1 });
  for (const name of 'abcde') ask('x', name);
  assert.deepEqual(
    sent.map(({ asked }) => asked.join('')),
    ['ab', 'cd'],
  );
});

test('others of another name share nothing, and do not wait', async () => {
  const { sent, run } = manual();
  const ask = createTogether(run, { most: 10, atOnce: 1 });
  const [one, other] = [ask('x', 'a'), ask('y', 'b')];
  await turn();
  sent[0]!.fail(new Error('lost'));
  sent[1]!.answer();
  await assert.rejects(one, /lost/);
  assert.equal(await other, 'to b');
  // What went wrong is over: the next is asked anew.
  const next = ask('x', 'c');
  await turn();
  sent[2]!.answer();
  assert.equal(await next, 'to c');
});
