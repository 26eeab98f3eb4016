import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { textOf } from '../../test/support/page-client.ts';
import { type SignInApp, sendPassword, signInApp, signInWorld } from '../../test/support/sign-in-app.ts';

describe('too many attempts', () => {
  let db: TestDatabase;
  let service: SignInApp;
  let world: Awaited<ReturnType<typeof signInWorld>>;

  before(async () => {
    db = await testDatabase();
    world = await signInWorld(db.database);
  });
  after(() => db.stop());
  beforeEach(async () => {
    service = await signInApp(db.database);
    await world.forget();
  });

  it('make an account wait longer and longer, and then the right password works', async () => {
    const client = service.client();
    for (let attempt = 0; attempt < 5; attempt++) {
      assert.equal((await sendPassword(client, 'pat@example.org', 'wrong password')).statusCode, 422);
    }
    const blocked = await sendPassword(client, 'pat@example.org');
    assert.equal(blocked.statusCode, 429);
    assert.equal(blocked.headers['retry-after'], '60');
    assert.match(textOf(blocked.body), /Try again in a minute/);
    service.later(61);
    assert.equal((await sendPassword(client, 'pat@example.org', 'wrong password')).statusCode, 422);
    assert.equal((await sendPassword(client, 'pat@example.org')).headers['retry-after'], '120');
    service.later(121);
    assert.equal((await sendPassword(client, 'pat@example.org')).statusCode, 303);
    assert.equal(service.audit.filter(({ details }) => details?.reason === 'too-many-attempts').length, 2);
  });

  it('look the same for an account that does not exist', async () => {
    const answers = [];
    for (const email of ['pat@example.org', 'nobody@example.org']) {
      const client = service.client(`192.0.2.${email.length}`);
      const seen = [];
      for (let attempt = 0; attempt < 7; attempt++) {
        const { statusCode, headers, body } = await sendPassword(client, email, 'wrong password');
        seen.push([statusCode, headers['retry-after'], textOf(body.replaceAll(email, ''))]);
      }
      answers.push(seen);
    }
    assert.deepEqual(answers[0], answers[1]);
  });

  it('are counted as many even when sent at once', async () => {
    const client = service.client();
    await client.get('/sign-in');
    const sent = Array.from({ length: 20 }, () =>
      client.post('/sign-in', { email: 'pat@example.org', password: 'wrong password' }),
    );
    const statuses = (await Promise.all(sent)).map(({ statusCode }) => statusCode);
    assert.equal(statuses.filter((status) => status === 422).length, 5);
    assert.equal(statuses.filter((status) => status === 429).length, 15);
  });

  it('from one network stop it for a while, for any account, and leave other networks alone', async () => {
    const attacker = service.client('198.51.100.7');
    const statuses = [];
    for (let attempt = 0; attempt < 31; attempt++) {
      statuses.push(
        (await sendPassword(attacker, `guess${attempt}@example.org`, 'wrong password')).statusCode,
      );
    }
    assert.deepEqual(statuses, [...Array(30).fill(422), 429]);
    assert.equal((await sendPassword(service.client('198.51.100.8'), 'pat@example.org')).statusCode, 303);
  });

  it('of the many who share a network do not add up from one hour to the next', async () => {
    const hospital = service.client('198.51.100.9');
    for (const hour of [1, 2, 3]) {
      for (let slip = 0; slip < 20; slip++) {
        const email = `slip${hour}-${slip}@example.org`;
        assert.equal((await sendPassword(hospital, email, 'wrong password')).statusCode, 422);
        service.later(180);
      }
    }
    assert.equal((await sendPassword(hospital, 'pat@example.org')).statusCode, 303);
  });

  it('do not keep whose they were', async () => {
    await sendPassword(service.client(), 'pat@example.org', 'wrong password');
    const { rows } = await db.database.owner.query(
      `select encode(subject, 'escape') as subject from attempt`,
    );
    assert.equal(rows.length, 2);
    assert.ok(rows.every(({ subject }) => !/pat|127\.0/.test(subject)));
  });
});
