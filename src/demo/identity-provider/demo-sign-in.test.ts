import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import { type PageClient, pageClient, textOf } from '../../../test/support/page-client.ts';
import { createHttp } from '../../http.ts';
import { setUpSignIn } from '../../sign-in/index.ts';
import { setUpWeb } from '../../web/index.ts';
import { generateWorld } from '../world.ts';
import { createDemoIdentityProvider } from './index.ts';
import { setUpDemoSignIn } from './set-up.ts';

const KEY = Buffer.alloc(32, 7);
const secrets = { pepper: KEY, cookieKey: KEY, auditKey: KEY, encryptionKey: KEY };

describe("the demo organisation's own sign-in", () => {
  const world = generateWorld({ today: '2026-11-22', patients: 0 });
  const now = () => new Date();
  let address = 'http://service.test';
  let db: TestDatabase;
  let app: FastifyInstance;

  before(async () => {
    db = await testDatabase();
    const { owner } = db.database;
    for (const { id, odsCode, name } of world.organisations) {
      await owner.query('insert into organisation (id, ods_code, name) values ($1, $2, $3)', [
        id,
        odsCode,
        name,
      ]);
    }
    for (const { id, email, name, roles } of world.staff) {
      await owner.query(`insert into account (id, email, name, password_hash) values ($1, $2, $3, '-')`, [
        id,
        email,
        name,
      ]);
      for (const { organisationId, role } of roles) {
        const values = [id, organisationId, role];
        await owner.query(
          'insert into staff_role (account_id, organisation_id, role) values ($1, $2, $3)',
          values,
        );
      }
    }
    await start();
  });
  after(async () => {
    await app?.close();
    await db?.stop();
  });

  async function start() {
    await app?.close();
    app = createHttp({ trustProxy: false }, pino({ level: 'silent' }));
    const demo = createDemoIdentityProvider(app, world, () => address);
    const away = async () => {
      throw new Error('another address was asked');
    };
    await app.register(async (scope) => {
      const navigation = () => [];
      const isUnavailable = () => false;
      const web = await setUpWeb(scope, { cookieKey: KEY, secure: false, navigation, isUnavailable });
      const signIn = setUpSignIn(scope, web, {
        database: db.database.service,
        secrets,
        secure: false,
        now,
        recordAudit: async () => {},
        providers: demo.access(away),
      });
      scope.get('/work', { onRequest: signIn.requireStaff }, async (request) => request.staff);
      demo.pages(scope, web.pages);
    });
    await app.ready();
    await setUpDemoSignIn({ database: db.database, secrets, now }, world, address);
  }

  /** Goes to the page of the organisation, and answers it and what comes of that. */
  async function signInAs(name: string, act: string, browser: PageClient = pageClient(app)) {
    const page = await browser.follow(await browser.get('/sign-in/with/Z99901?next=%2Fwork'));
    const path = /action="([^"]+)"/.exec(page.body)![1]!;
    const person = new RegExp(`value="([0-9a-f]+)"[^>]*>\\s*<label[^>]*>\\s*${name}`).exec(page.body)![1]!;
    const answer = await browser.post(path, { person, act });
    assert.equal(answer.statusCode, 303);
    let back = answer;
    while (String(back.headers.location).startsWith(address))
      back = await browser.get(String(back.headers.location));
    return { page, back, browser, path };
  }

  it('signs in whoever is chosen, and says plainly that it is a demo', async () => {
    const { page, back, browser } = await signInAs('Dr Shanice Asante', 'both');
    assert.match(textOf(page.body), /Only a demo This page plays the sign-in/);
    assert.deepEqual(await htmlProblems(page.body), []);
    assert.equal(back.headers.location, '/work');
    assert.equal((await browser.get('/work')).json().email, 'shanice.asante@z99901.example.org');
  });

  it('shows every way in which a sign-in comes to nothing', async () => {
    for (const [name, act, leads] of [
      ['Dr Shanice Asante', 'password', /refused\/no-second-factor/],
      ['Dr Shanice Asante', 'cancel', /refused\/cancelled/],
      ['Nurse Amara Chikwanha', 'both', /not-connected/],
    ] as const) {
      assert.match(String((await signInAs(name, act)).back.headers.location), leads);
    }
    const { browser, path } = await signInAs('Dr Shanice Asante', 'both');
    assert.equal((await browser.get(path)).statusCode, 410, 'a page that was answered is over');
    assert.equal((await pageClient(app).get(path)).statusCode, 410, 'and is nothing in another browser');
  });

  it('is set up anew at a start on another address, with the same people connected', async () => {
    address = 'http://127.0.0.1:9999';
    await start();
    const { back } = await signInAs('Dr Janet Fletcher', 'both');
    assert.equal(back.headers.location, '/work');
    const { rows } = await db.database.owner.query(
      'select count(*)::int as n from staff_identity where ended_at is null',
    );
    assert.equal(rows[0].n, 2);
  });
});
