import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { textOf } from '../../test/support/page-client.ts';
import {
  addOrganisation,
  type SignInApp,
  signedIn,
  signInApp,
  signInWorld,
} from '../../test/support/sign-in-app.ts';

describe('roles in two organisations', () => {
  let db: TestDatabase;
  let service: SignInApp;
  let world: Awaited<ReturnType<typeof signInWorld>>;
  let harbour: string;
  let moor: string;

  before(async () => {
    db = await testDatabase();
    world = await signInWorld(db.database);
    harbour = world.harbour;
    moor = world.moor;
  });
  after(() => db.stop());
  beforeEach(async () => {
    service = await signInApp(db.database);
    await world.forget();
  });

  it('are chosen between, and switched, each time with a new session id', async () => {
    const client = await signedIn(service, 'two@example.org');
    assert.equal((await client.get('/work')).headers.location, '/account/organisation?next=%2Fwork');
    const page = await client.get('/account/organisation?next=/work');
    assert.match(textOf(page.body), /Harbour Trust Professional Moor Surgery Team coordinator/);
    const before = client.cookies.get('session');
    const chosen = await client.post('/account/organisation', { organisation: moor, next: '/work' });
    assert.equal(chosen.headers.location, '/work');
    assert.notEqual(client.cookies.get('session'), before);
    assert.equal((await client.get('/work')).json().role, 'coordinator');
    await client.get('/account/organisation');
    await client.post('/account/organisation', { organisation: harbour, next: '/work' });
    assert.equal((await client.get('/work')).json().organisationName, 'Harbour Trust');
    assert.match(textOf((await client.get('/account')).body), /Harbour Trust : change organisation/);
  });

  it('cannot be widened to an organisation without a role', async () => {
    const elsewhere = await addOrganisation(db.database, 'ZX9', 'Elsewhere');
    const client = await signedIn(service, 'two@example.org');
    await client.get('/account/organisation');
    for (const organisation of [elsewhere, '', 'x', "' or true --"]) {
      assert.equal((await client.post('/account/organisation', { organisation })).statusCode, 422);
    }
    assert.equal((await client.get('/work')).statusCode, 303);
  });
});
