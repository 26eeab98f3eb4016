import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { terminalAsk } from '../../scripts/operate/ask.ts';

async function answered(typed: string | null) {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const output = new PassThrough();
  const answer = terminalAsk(input, output)!('Disable the account?');
  if (typed !== null) input.write(typed);
  else input.end();
  return { yes: await answer, shown: String(output.read()) };
}

test('only who types yes has said so', async () => {
  for (const typed of ['yes\n', ' YES \r\n']) assert.equal((await answered(typed)).yes, true, typed);
  for (const typed of ['\n', 'y\n', 'no\n', 'yes please\n', null]) {
    assert.equal((await answered(typed)).yes, false, String(typed));
  }
});

test('what is about to happen stands before the question', async () => {
  assert.equal((await answered('no\n')).shown, 'Disable the account?\nType yes to go on: ');
});

test('where there is no terminal nobody is asked', () => {
  assert.equal(terminalAsk(new PassThrough(), new PassThrough()), null);
});
