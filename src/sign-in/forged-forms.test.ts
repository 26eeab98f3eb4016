import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import {
  PASSWORD,
  type SignInApp,
  signedIn,
  signInApp,
  signInWorld,
} from '../../test/support/sign-in-app.ts';

describe('forged forms', () => {
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

  it('are refused without the token of this session', async () => {
    const client = await signedIn(service);
    const other = await signedIn(service, 'two@example.org');
    await other.get('/account/organisation');
    await client.get('/account');
    for (const token of ['', 'x', other.csrf()]) {
      const response = await client.post('/work', { _csrf: token });
      assert.equal(response.statusCode, 403, `token ${token}`);
    }
    assert.deepEqual(service.executed, []);
    assert.equal((await client.post('/work')).statusCode, 200);
  });

  it('are refused when the browser says they come from elsewhere', async () => {
    const client = await signedIn(service);
    await client.get('/account');
    const sources: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.test' },
      { origin: 'not an address' },
    ];
    for (const headers of sources) assert.equal((await client.post('/work', {}, headers)).statusCode, 403);
    assert.deepEqual(service.executed, []);
    assert.equal((await client.post('/work', {}, { 'sec-fetch-site': 'same-origin' })).statusCode, 200);
    assert.equal((await client.post('/work', {}, { origin: 'http://service.test' })).statusCode, 200);
    assert.equal((await client.post('/work', {}, { origin: 'null' })).statusCode, 200);
  });

  it('cannot sign someone in either', async () => {
    const client = service.client();
    const response = await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD });
    assert.equal(response.statusCode, 403);
    const page = await client.get('/sign-in');
    const token = client.csrf();
    client.cookies.set('form', `${'A'.repeat(43)}.${'B'.repeat(43)}`);
    assert.equal(page.statusCode, 200);
    const forged = await client.post('/sign-in', {
      _csrf: token,
      email: 'pat@example.org',
      password: PASSWORD,
    });
    assert.equal(forged.statusCode, 403);
  });
});
