import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connectedWorld } from '../../test/support/connected-world.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { type LaunchApp, launchApp, launchWorld, PATIENT } from '../../test/support/launch-app.ts';
import { CONNECT } from '../../test/support/launch-link.ts';
import { type PageClient, textOf } from '../../test/support/page-client.ts';
import { PASSWORD } from '../../test/support/sign-in-app.ts';

describe('launches by a connected system', () => {
  let db: TestDatabase;
  let app: LaunchApp;
  let world: Awaited<ReturnType<typeof launchWorld>>;
  let clientId: string;
  let connectionId: string;
  let token: string;

  before(async () => {
    db = await testDatabase();
    world = await launchWorld(db.database);
    // Tokens and connections go by the database's clock.
    app = await launchApp(db.database, { now: new Date() });
  });
  after(async () => {
    await app?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    await db.database.owner.query('delete from attempt');
    clientId = await connectedWorld(db.database.owner).system({
      name: 'Ward Board',
      scopes: ['system/Patient.$launch'],
    });
    connectionId = await connect('{Patient.$launch}');
    token = await tokenOf('{Patient.$launch}');
    app.audit.length = 0;
  });

  async function connect(permissions: string) {
    const { rows } = await db.database.owner.query(
      `insert into connection (id, organisation_id, client_id, status, scopes, permissions, granted_at)
       values (gen_random_uuid(), $1, $2, 'active', '{}', $3, now()) returning id`,
      [world.harbour, clientId, permissions],
    );
    return rows[0].id as string;
  }
  async function tokenOf(permissions: string, seconds = 300) {
    const made = randomBytes(32).toString('base64url');
    await db.database.owner.query(
      `insert into access_token (token_hash, client_id, scopes, permissions, issued_at, expires_at)
       values ($1, $2, '{}', $3, now(), now() + make_interval(secs => $4))`,
      [createHash('sha256').update(made).digest(), clientId, permissions, seconds],
    );
    return made;
  }
  const ASKED = {
    user: 'wb.smith',
    patient: { value: PATIENT.nhsNumber },
    birthDate: PATIENT.birthDate,
    landing: 'letters',
  };
  const ask = (payload: object | string = ASKED, headers: Record<string, string> = {}) =>
    app.app.inject({
      method: 'POST',
      url: '/launch/one-time',
      headers: {
        authorization: `Bearer ${token}`,
        'x-org-public-id': world.harbour,
        'content-type': 'application/json',
        ...headers,
      },
      payload,
    });
  async function linkOf(payload: object = ASKED) {
    const answer = await ask(payload);
    assert.equal(answer.statusCode, 201, answer.body);
    return new URL(answer.json().url).pathname;
  }
  async function connectAs(client: PageClient, link: string) {
    assert.equal((await client.get(link)).headers.location, CONNECT);
    await client.get(CONNECT);
    await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: CONNECT });
    await client.get(CONNECT);
    return client.post(CONNECT);
  }
  const codeOf = (answer: { body: string }) => JSON.parse(answer.body).issue[0].details.coding[0].code;

  it('open the record in the browser of a user who is connected, once', async () => {
    const client = app.client();
    const page = await client.get(await linkOf());
    assert.equal(page.headers.location, CONNECT);
    assert.match(textOf((await client.get(CONNECT)).body), /You came from Ward Board as the user wb\.smith/);
    const first = await connectAs(client, await linkOf());
    assert.match(String(first.headers.location), /^\/record\?section=letters/);
    const shown = (await client.get(String(first.headers.location))).json();
    assert.equal(shown.patientId, world.patient);
    assert.equal(shown.locked, true);

    client.cookies.delete('session');
    const link = await linkOf();
    const both = await Promise.all([client.get(link), client.get(link)]);
    assert.deepEqual(both.map(({ headers }) => String(headers.location).split('?')[0]).sort(), [
      '/record',
      '/systmone/refused/request-gone',
    ]);
  });

  it('are no use to another browser, after a minute, or once the connection has ended', async () => {
    const client = app.client();
    await connectAs(client, await linkOf({ ...ASKED, user: 'wb.other' }));
    client.cookies.delete('session');
    assert.equal(
      (await app.client('192.0.2.8').get(await linkOf({ ...ASKED, user: 'wb.other' }))).headers.location,
      CONNECT,
    );
    const old = await linkOf();
    app.later(61);
    assert.match(String((await client.get(old)).headers.location), /request-gone/);
    const late = await linkOf();
    await db.database.owner.query(`update connection set status = 'suspended' where id = $1`, [connectionId]);
    assert.match(String((await client.get(late)).headers.location), /request-gone/);
  });

  it('open nothing for whoever is still showing who they are when the connection ends', async () => {
    const client = app.client();
    assert.equal((await client.get(await linkOf({ ...ASKED, user: 'wb.late' }))).headers.location, CONNECT);
    await client.get(CONNECT);
    await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: CONNECT });
    await client.get(CONNECT);
    await db.database.owner.query(`update connection set status = 'suspended' where id = $1`, [connectionId]);
    assert.equal((await client.post(CONNECT)).statusCode, 410);
    assert.equal((await client.get(CONNECT)).statusCode, 410);
  });

  it("do not reach another system's or SystmOne's pairing of the same user name", async () => {
    const client = app.client();
    await connectAs(client, await linkOf({ ...ASKED, user: 'samename1' }));
    client.cookies.delete('session');
    clientId = await connectedWorld(db.database.owner).system({ scopes: ['system/Patient.$launch'] });
    connectionId = await connect('{Patient.$launch}');
    token = await tokenOf('{Patient.$launch}');
    assert.equal((await client.get(await linkOf({ ...ASKED, user: 'samename1' }))).headers.location, CONNECT);
  });

  it('are refused in the words of the API, each refusal recorded', async () => {
    const refused = async (answer: Awaited<ReturnType<typeof ask>>, status: number, code: string) => {
      assert.equal(answer.statusCode, status, answer.body);
      assert.equal(codeOf(answer), code);
      assert.match(String(answer.headers['content-type']), /fhir\+json/);
      const entry = app.audit.at(-1);
      assert.equal(entry?.outcome, code);
      assert.equal(entry?.status, status);
      assert.equal(entry?.requestId, answer.headers['x-request-id']);
    };
    await refused(await ask(ASKED, { authorization: '' }), 401, 'token-missing');
    await refused(await ask(ASKED, { authorization: 'Bearer nothing' }), 401, 'token-invalid');
    await refused(await ask(ASKED, { 'x-org-public-id': '' }), 400, 'organisation-missing');
    await refused(await ask(ASKED, { 'x-org-public-id': world.moor }), 403, 'connection-none');
    await refused(await ask(ASKED, { 'x-org-public-id': 'NOWHERE1' }), 403, 'connection-none');
    await refused(await ask('{', {}), 400, 'request-malformed');
    await refused(await ask('<a/>', { 'content-type': 'text/xml' }), 400, 'request-malformed');
    for (const wrong of [
      {},
      { ...ASKED, user: '1' },
      { ...ASKED, patient: { value: '9434765918' } },
      { ...ASKED, birthDate: '1980-02-30' },
      { ...ASKED, landing: 'https://evil.example' },
    ]) {
      await refused(await ask(wrong), 400, 'request-malformed');
    }
    token = await tokenOf('{Patient.r}');
    await refused(await ask(), 403, 'scope-insufficient');
    token = await tokenOf('{Patient.$launch}');
    await db.database.owner.query(`update connection set status = 'suspended' where id = $1`, [connectionId]);
    await refused(await ask(), 403, 'connection-suspended');
    assert.doesNotMatch(JSON.stringify(app.audit), /wb\.smith|9434765919|1980/);
  });

  it('say nothing to the system of whether patient or user is known', async () => {
    for (const asked of [
      ASKED,
      { ...ASKED, patient: { value: '9999999999' } },
      { ...ASKED, user: 'nobody.here' },
    ]) {
      const answer = await ask(asked);
      assert.equal(answer.statusCode, 201);
      assert.deepEqual(Object.keys(answer.json()), ['url', 'expires']);
    }
  });

  it('keep user and patient out of the link', async () => {
    const answer = await ask();
    assert.match(answer.json().url, /^https:\/\/service\.test\/launch\/one-time\/[\w-]{43}$/);
    assert.equal(answer.headers['cache-control'], 'no-store');
  });
});
