import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { oauthFixture } from './fixture.ts';
import { startSweep, sweep } from './sweep.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
before(async () => {
  f = await oauthFixture();
});
after(() => f.stop());

const count = async (table: string) => (await f.owner.query(`select count(*) as n from ${table}`)).rows[0].n;

test('what has expired is removed, whatever its number, and nothing else', async () => {
  const { clientId } = await f.addSystem();
  await f.owner.query(
    `insert into access_token (token_hash, client_id, scopes, permissions, issued_at, expires_at)
     select decode(md5(n::text), 'hex'), $1, '{}', '{}', now(), now() + (n - 20) * interval '1 minute'
       from generate_series(1, 25) n`,
    [clientId],
  );
  await f.owner.query(
    `insert into used_assertion (client_id, jti_hash, expires_at)
     select $1, decode(md5(n::text), 'hex'), now() + (n - 20) * interval '1 minute' from generate_series(1, 25) n`,
    [clientId],
  );
  await f.owner.query(
    `insert into attempt (purpose, subject, failures, window_started_at)
     values ('token', $1, 1, now() - interval '2 hours'), ('token', $2, 1, now()), ('sign-in', $1, 1, now() - interval '2 hours')`,
    [randomBytes(32), randomBytes(32)],
  );
  await sweep(f.db.database.service, 7);
  assert.equal(await count('access_token where expires_at < now()'), 0);
  assert.equal(await count('access_token'), 5);
  assert.equal(await count('used_assertion'), 5);
  assert.equal(await count("attempt where purpose = 'token'"), 1);
  assert.equal(await count("attempt where purpose = 'sign-in'"), 1);
});

test('sweeps at once do not wait for each other', async () => {
  await Promise.all([1, 2, 3].map(() => sweep(f.db.database.service)));
});

test('stopping waits for a sweep under way and does not keep the process alive', async () => {
  const stop = startSweep(f.context, 1);
  await stop();
});
