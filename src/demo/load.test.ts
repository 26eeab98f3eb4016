import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { type TestDatabase, withDatabase } from '../../test/support/database.ts';
import { definitions } from '../../test/support/definitions.ts';
import { secretHash } from '../oauth/client-secret.ts';
import { verifyPassword } from '../sign-in/password.ts';
import { openTotpSecret, secretOf } from '../sign-in/totp.ts';
import { findDemoWorld, hasDemoAccounts, loadDemoWorld } from './load.ts';
import { loadDemoWorldAside } from './load-aside.ts';
import type { DemoPatient } from './patients.ts';
import { generateWorld } from './world.ts';

const TODAY = '2026-11-22';
const SMALL = { today: TODAY, patients: 30 };
const secrets = { pepper: randomBytes(32), encryptionKey: randomBytes(32) };

const load = ({ database }: TestDatabase, options = SMALL) =>
  loadDemoWorld({ database, secrets, definitions }, options);
const rows = async <T extends object>({ database }: TestDatabase, sql: string, values: unknown[] = []) =>
  (await database.owner.query<T>(sql, values)).rows;
const countOf = async (db: TestDatabase, table: string) =>
  (await rows<{ count: number }>(db, `select count(*) from ${table}`))[0]!.count;

const choicesOf = (patients: DemoPatient[]) =>
  patients.flatMap(({ id, registrations }) =>
    registrations
      .filter(({ sharedLabels }) => sharedLabels.length > 0)
      .map(({ organisationId }) => ({ patientId: id, organisationId })),
  );

test('an empty database holds the whole world afterwards', () =>
  withDatabase(async (db) => {
    const loaded = await load(db);
    assert.equal(loaded.outcome, 'loaded');
    const world = generateWorld(SMALL);
    const patients = [...world.patients()];
    for (const [table, count] of Object.entries({
      organisation: 3,
      team: world.organisations.flatMap(({ teams }) => teams).length,
      account: world.staff.length,
      staff_role: world.staff.flatMap(({ roles }) => roles).length,
      company: 5,
      system: 8,
      connection: world.connections.length,
      connection_event: world.connections.flatMap(({ events }) => events).length,
      patient: 30,
      patient_identifier: 30,
      registration: patients.flatMap(({ registrations }) => registrations).length,
      resource: patients.flatMap(({ resources }) => resources).length + choicesOf(patients).length,
      sharing_choice: choicesOf(patients).length,
      resource_version: 0,
    })) {
      assert.equal(await countOf(db, table), count, table);
    }
  }));

test('a resource comes back as it was made, with what the server sets', () =>
  withDatabase(async (db) => {
    await load(db);
    const patient = generateWorld(SMALL).patients().next().value!;
    for (const { id, label, organisationId, recordedAt, resource } of patient.resources) {
      const [row] = await rows<{ content: string; patient_id: string; tokens: string[] }>(
        db,
        'select content, patient_id, tokens from resource where id = $1',
        [id],
      );
      const { meta, ...rest } = JSON.parse(row!.content);
      assert.deepEqual(rest, JSON.parse(JSON.stringify(resource)));
      assert.equal(meta.lastUpdated, recordedAt);
      assert.equal(meta.versionId, '1');
      assert.deepEqual(
        meta.security.map(({ code }: { code: string }) => code),
        [label, organisationId],
      );
      assert.equal(row!.patient_id, patient.id);
      assert.ok(row!.tokens.length > 0);
    }
  }));

test('the documented passwords, codes and client secrets are the ones that work, and none is stored as it is', () =>
  withDatabase(async (db) => {
    await load(db);
    const { staff, systems } = generateWorld(SMALL);
    const administrator = staff.find(({ totpSecret }) => totpSecret)!;
    const [account] = await rows<{ password_hash: string; totp_secret: Buffer }>(
      db,
      'select password_hash, totp_secret from account where email = $1',
      [administrator.email],
    );
    assert.ok(await verifyPassword(account!.password_hash, administrator.password));
    assert.deepEqual(
      openTotpSecret(secrets.encryptionKey, administrator.id, account!.totp_secret),
      secretOf(administrator.totpSecret!),
    );

    for (const { clientId, clientSecret, authMethod } of systems) {
      const [kept] = await rows<{ secret_hash: Buffer }>(
        db,
        'select secret_hash from system_secret where client_id = $1',
        [clientId],
      );
      assert.equal(kept !== undefined, authMethod === 'client_secret_basic');
      if (kept) assert.deepEqual(kept.secret_hash, secretHash(secrets.pepper, clientSecret!));
    }
    const [keys] = await rows<{ text: string }>(db, 'select json_agg(jwks)::text as text from system');
    assert.doesNotMatch(keys!.text, /"(d|p|q|dp|dq|qi)"/, 'public keys alone are kept');
  }));

test('a start that dies half-way leaves nothing, and the next one loads everything', () =>
  withDatabase(async (db) => {
    // The definitions give out in the middle of the patients, as a process that is killed would.
    let left = 5;
    const failing = {
      ...definitions,
      searchParameters: (type: string) => {
        left -= 1;
        if (left < 0) throw new Error('killed');
        return definitions.searchParameters(type);
      },
    };
    await assert.rejects(loadDemoWorld({ ...db, secrets, definitions: failing }, SMALL), /killed/);
    for (const table of ['organisation', 'account', 'patient', 'resource'])
      assert.equal(await countOf(db, table), 0, table);
    assert.equal((await load(db)).outcome, 'loaded');
    assert.equal(await countOf(db, 'patient'), 30);
  }));

test('a later start changes nothing, and describes the world as of the day it was loaded', () =>
  withDatabase(async (db) => {
    await load(db);
    const before = await countOf(db, 'resource');
    const later = await load(db, { ...SMALL, today: '2027-03-09' });
    assert.equal(later.outcome, 'found');
    assert.ok('world' in later);
    assert.equal(later.world.today, TODAY);
    assert.equal(await countOf(db, 'resource'), before);
  }));

test('of two processes that start at once, one loads and both agree', () =>
  withDatabase(async (db) => {
    const outcomes = await Promise.all([load(db), load(db)]);
    assert.deepEqual(outcomes.map(({ outcome }) => outcome).sort(), ['found', 'loaded']);
    assert.equal(await countOf(db, 'patient'), 30);
  }));

test('loading in a process of its own gives the same, and an error there is an error here', () =>
  withDatabase(async (db) => {
    const needs = { database: db.database, secrets, definitionsDirectory: tmpdir() };
    assert.equal(await findDemoWorld(db.database, SMALL), undefined);
    const loaded = await loadDemoWorldAside(needs, SMALL);
    assert.equal(loaded.outcome, 'loaded');
    assert.ok('world' in loaded && loaded.world.today === TODAY);
    assert.equal(await countOf(db, 'patient'), 30);
    assert.equal((await findDemoWorld(db.database, SMALL))?.outcome, 'found');
    const nowhere = { connection: { connectionString: 'postgres://nobody@127.0.0.1:1/nothing' } };
    await assert.rejects(loadDemoWorldAside({ ...needs, database: nowhere }, SMALL), /ECONNREFUSED/);
  }));

test('a database that somebody already uses is left alone', () =>
  withDatabase(async (db) => {
    const id = '00000001-0000-8000-8000-000000000001';
    await rows(db, `insert into organisation (id, ods_code, name) values ($1, 'ABC', 'Somebody')`, [id]);
    assert.equal((await load(db)).outcome, 'not-empty');
    assert.equal(await countOf(db, 'organisation'), 1);
    assert.equal(await countOf(db, 'patient'), 0);
  }));

test('demo accounts are noticed as long as one of them can sign in', () =>
  withDatabase(async (db) => {
    assert.equal(await hasDemoAccounts(db.database), false);
    await load(db);
    assert.equal(await hasDemoAccounts(db.database), true);
    await rows(db, 'update account set disabled_at = now()');
    assert.equal(await hasDemoAccounts(db.database), false);
  }));

test('the purview holds from the first minute: of others an organisation sees what the patient shares', () =>
  withDatabase(async (db) => {
    await load(db);
    const { staff } = generateWorld(SMALL);
    const { id, roles } = staff[0]!;
    const client = db.database.newClient();
    await client.connect();
    try {
      await client.query('begin');
      await client.query('select act_for_staff($1, $2)', [id, roles[0]!.organisationId]);
      const { rows: seen } = await client.query<{ id: string }>(
        'select id from resource where by_patient is null',
      );
      const { rows: choices } = await client.query<{ patient_id: string }>(
        'select patient_id from resource where by_patient',
      );
      await client.query('commit');
      const patients = [...generateWorld(SMALL).patients()];
      const expected = patients.flatMap(({ registrations, resources }) => {
        const own = registrations.find(({ organisationId }) => organisationId === roles[0]!.organisationId);
        if (!own) return [];
        return resources.filter(
          ({ organisationId, label, resource }) =>
            organisationId === own.organisationId ||
            own.sharedLabels.includes(label) ||
            resource.resourceType === 'Patient',
        );
      });
      assert.deepEqual(seen.map((row) => row.id).sort(), expected.map((one) => one.id).sort());
      const chosen = choicesOf(patients).filter((one) => one.organisationId === roles[0]!.organisationId);
      assert.deepEqual(
        choices.map((row) => row.patient_id).sort(),
        chosen.map((one) => one.patientId).sort(),
      );
    } finally {
      await client.end();
    }
  }));
