import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { isUnavailable } from './unavailable.ts';

const coded = (code: string, extra = {}) => Object.assign(new Error('…'), { code, ...extra });

test('a database that is away, starting, stopping or full is unavailable', () => {
  const codes = '08000 08006 53100 53200 53300 57014 55P03 57P01 57P02 57P03 57P04 57P05 25P03 25006 58030';
  for (const code of [...codes.split(' '), 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND']) {
    assert.equal(isUnavailable(coded(code)), true, code);
  }
});

test('a wrong statement, a broken rule or an error of ours is not', () => {
  for (const code of ['23505', '42601', '42501', '22P02', '40001', 'ERR_INVALID_ARG_TYPE', 'ENOENT']) {
    assert.equal(isUnavailable(coded(code)), false, code);
  }
  for (const thing of [new TypeError('x is not a function'), 'text', undefined, null, { code: '57P01' }]) {
    assert.equal(isUnavailable(thing), false);
  }
});

test('a file that is missing is not the database; a socket that is missing is', () => {
  assert.equal(isUnavailable(coded('ENOENT', { syscall: 'open' })), false);
  assert.equal(isUnavailable(coded('ENOENT', { syscall: 'connect' })), true);
});

test('what wraps such an error is such an error', () => {
  assert.equal(isUnavailable(new Error('cannot read', { cause: coded('57P01') })), true);
  assert.equal(isUnavailable(new AggregateError([coded('ECONNREFUSED')])), true);
  assert.equal(isUnavailable(new Error('cannot read', { cause: new Error('other') })), false);
});

test('the errors that the driver itself makes are known by what it really says', async () => {
  const silent = await import('node:net').then(({ createServer }) => createServer(() => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const address = { host: '127.0.0.1', port, connectionTimeoutMillis: 50 };

  const pool = new pg.Pool({ ...address, max: 1 });
  const client = new pg.Client(address);
  client.on('error', () => undefined);
  const errors = [
    await pool.query('select 1').catch((error) => error),
    await client.connect().catch((error) => error),
    await client.query('select 1').catch((error) => error),
    await pool.end().then(() => pool.query('select 1').catch((error) => error)),
    await new pg.Client({ host: '/nonexistent' }).connect().catch((error) => error),
  ];
  silent.close();
  for (const error of errors) assert.equal(isUnavailable(error), true, error.message);
});
