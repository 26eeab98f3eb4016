import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError, KEY_SETTINGS, loadConfig } from './config.ts';

const key = () => randomBytes(32).toString('base64');
const production = { NODE_ENV: 'production', BASE_URL: 'https://records.example.org' };

/** The problems that these settings are refused for. */
function problems(env: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
}

test('with nothing set the service runs its demo on this machine only, with a database of its own', () => {
  const config = loadConfig({});
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 8080);
  assert.equal(config.baseUrl, undefined);
  assert.equal(config.dataDir, resolve('.data'));
  assert.equal(config.databaseUrl, undefined);
  assert.equal(config.databasePoolSize, 10);
  assert.equal(config.demo, true);
  assert.equal(config.trustProxy, false);
  assert.equal(config.metricsPort, undefined);
  assert.equal(config.metricsToken, undefined);
});

test('an empty setting is the same as none', () => {
  assert.deepEqual(loadConfig({ PORT: '', BASE_URL: ' ', DEMO: '', AUDIT_KEY: '' }), loadConfig({}));
});

test('every problem is told at once, each naming its setting', () => {
  const told = problems({ PORT: '80a', DEMO: 'perhaps', LOG_LEVEL: 'loud', BASE_URL: 'records.example.org' });
  assert.deepEqual(
    told.map((problem) => problem.split(' ')[0]),
    ['PORT', 'BASE_URL', 'DEMO', 'LOG_LEVEL'],
  );
  assert.match(told[0] ?? '', /set a whole number from 0 to 65535/);
  assert.throws(() => loadConfig({ PORT: 'x', DEMO: 'x' }), { message: /- PORT .*\n {2}- DEMO/ });
});

test('a value that is refused is not repeated, since it may be a password in the wrong place', () => {
  for (const name of ['PORT', 'BASE_URL', 'DATABASE_URL', 'AUDIT_KEY', 'TRUST_PROXY', 'DEMO', 'LOG_LEVEL']) {
    const [told] = problems({ [name]: 'hunter2 hunter2' });
    assert.match(told ?? '', new RegExp(`^${name} `));
    assert.doesNotMatch(told ?? '', /hunter2/);
  }
});

test('a port is a whole number in range, whatever is written', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String)), (text) => {
      const wanted = text.trim();
      fc.pre(wanted !== '');
      const valid = /^\d{1,9}$/.test(wanted) && Number(wanted) <= 65_535;
      assert.equal(problems({ PORT: text }).length, valid ? 0 : 1);
      if (valid) assert.equal(loadConfig({ PORT: text }).port, Number(wanted));
    }),
  );
});

test('BASE_URL is an origin; a slash at its end is dropped', () => {
  assert.equal(loadConfig({ BASE_URL: 'https://a.example/' }).baseUrl, 'https://a.example');
  assert.equal(loadConfig({ BASE_URL: 'http://[::1]:8080' }).baseUrl, 'http://[::1]:8080');
  for (const BASE_URL of [
    'https://a.example/path',
    'https://a.example?x',
    'https://u@a.example',
    'ftp://a',
    'a',
  ]) {
    assert.match(problems({ BASE_URL })[0] ?? '', /^BASE_URL is not usable: set an address such as https:/);
  }
});

test('DATABASE_URL is a PostgreSQL address that cannot displace the role of the service', () => {
  const url = 'postgres://user:pass@localhost/records?host=/run/postgresql';
  assert.equal(loadConfig({ DATABASE_URL: url }).databaseUrl, url);
  for (const wrong of ['mysql://a/b', 'postgres://a', 'records', `${url}&options=-c%20role%3Dpostgres`]) {
    assert.match(problems({ DATABASE_URL: wrong })[0] ?? '', /^DATABASE_URL is not usable/);
  }
});

test('a proxy is believed only when it is counted or named', () => {
  const trusted = (TRUST_PROXY: string) => loadConfig({ TRUST_PROXY }).trustProxy;
  assert.equal(trusted('false'), false);
  assert.equal(trusted('1'), 1);
  assert.deepEqual(trusted('10.0.0.0/8, ::1,loopback'), ['10.0.0.0/8', '::1', 'loopback']);
  for (const wrong of ['true', 'yes', '10.0.0.1, everybody', '0', 'cafe', '10.0.0.1,,']) {
    assert.equal(problems({ TRUST_PROXY: wrong }).length, 1, wrong);
  }
});

test('a metrics token that can be guessed is refused', () => {
  assert.match(problems({ METRICS_TOKEN: 'metrics' })[0] ?? '', /^METRICS_TOKEN is shorter than 16/);
  assert.equal(loadConfig({ METRICS_TOKEN: 'a'.repeat(16) }).metricsToken, 'a'.repeat(16));
});

test('random keys are taken, well-known ones are refused', () => {
  for (let i = 0; i < 100; i++) assert.deepEqual(problems({ SECRET_PEPPER: key(), COOKIE_KEY: key() }), []);
  const weak: Record<string, Buffer> = {
    'all zero': Buffer.alloc(32),
    'one byte repeated': Buffer.alloc(32, 0xa5),
    counted: Buffer.from(Array.from({ length: 32 }, (_, index) => index + 200)),
    'a phrase': Buffer.from('please-change-this-key-now-12345'),
    'a repeated word': Buffer.from('deadbeefdeadbeefdeadbeefdeadbeef', 'utf8'),
    'too short': randomBytes(31),
    'too long': randomBytes(33),
  };
  for (const [what, value] of Object.entries(weak)) {
    for (const name of KEY_SETTINGS) {
      assert.match(
        problems({ [name]: value.toString('base64') })[0] ?? '',
        new RegExp(`^${name} is not usable: set 32 random bytes in base64`),
        what,
      );
    }
  }
});

test('one key for two purposes is refused', () => {
  const same = key();
  assert.deepEqual(problems({ COOKIE_KEY: same, AUDIT_KEY: same }), [
    'AUDIT_KEY is the same key as COOKIE_KEY: set a key of its own.',
  ]);
});

test('production starts with an https address and no demo', () => {
  const config = loadConfig(production);
  assert.equal(config.production, true);
  assert.equal(config.demo, false);
  assert.equal(config.baseUrl, 'https://records.example.org');
});

test('production refuses the demo accounts, a plain http address and no address', () => {
  assert.match(problems({ ...production, DEMO: 'true' })[0] ?? '', /DEMO=false/);
  assert.match(problems({ ...production, BASE_URL: 'http://records.example.org' })[0] ?? '', /plain http/);
  assert.match(problems({ NODE_ENV: 'production' })[0] ?? '', /BASE_URL is not set/);
});

test('nothing is posted to this machine unless it is set, with the demo, where nobody else can reach the service', () => {
  assert.equal(loadConfig({}).pushToLoopback, false);
  const on = { PUSH_TO_LOOPBACK: 'true' };
  for (const own of [{}, { HOST: '::1' }, { HOST: 'localhost' }, { BASE_URL: 'http://localhost:8080' }])
    assert.equal(loadConfig({ ...on, ...own }).pushToLoopback, true);
  for (const elsewhere of [
    production,
    { ...production, DEMO: 'false' },
    { DEMO: 'false' },
    { HOST: '0.0.0.0' },
    { HOST: '::' },
    { HOST: '127.0.0.1.example.org' },
    { BASE_URL: 'https://records.example.org' },
  ])
    assert.match(problems({ ...on, ...elsewhere })[0] ?? '', /^PUSH_TO_LOOPBACK is on/);
});
