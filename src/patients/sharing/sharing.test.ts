import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import { type PageClient, textOf } from '../../../test/support/page-client.ts';
import {
  type PatientsApp,
  type PatientsWorld,
  patientsApp,
  patientsWorld,
} from '../../../test/support/patients-app.ts';
import { labelsInWords } from './labels-in-words.ts';

describe('sharing', () => {
  let db: TestDatabase;
  let service: PatientsApp;
  let world: PatientsWorld;
  let harbour: string;
  let moor: string;
  let far: string;
  let nia: string;
  let client: PageClient;
  let numbered = 0;
  before(async () => {
    db = await testDatabase();
    service = await patientsApp(db.database);
    world = patientsWorld(db.database);
    harbour = await world.organisation('Harbour Trust');
    moor = await world.organisation('Moor Surgery');
    far = await world.organisation('Far Away Clinic');
  });
  after(async () => {
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    nia = await world.patient({ organisations: [harbour, moor] });
    const email = `nia${++numbered}@example.org`;
    await world.account(nia, email);
    client = await service.signedIn(email);
    service.audit.length = 0;
  });

  const shared = async (organisation: string) =>
    (
      await db.database.owner.query(
        'select shared_labels from registration where patient_id = $1 and organisation_id = $2',
        [nia, organisation],
      )
    ).rows[0]?.shared_labels;

  /** The types of others' entries that the organisation's statements find at this moment. */
  async function seenBy(organisation: string): Promise<string[]> {
    const connection = await db.database.service.connect();
    try {
      await connection.query('begin');
      await connection.query(
        `select set_config('app.organisation', $1, true), set_config('app.labels', '15', true), set_config('app.teams', '', true)`,
        [organisation],
      );
      const { rows } = await connection.query(
        `select type from resource where patient_id = $1 and type <> 'Patient' order by type`,
        [nia],
      );
      return rows.map(({ type }) => type);
    } finally {
      await connection.query('rollback');
      connection.release();
    }
  }

  it('shows each organisation with what it sees, in plain words', async () => {
    const page = await client.get('/my/sharing');
    assert.match(textOf(page.body), /Harbour Trust Sees what it wrote, and of what others wrote: nothing/);
    assert.doesNotMatch(page.body, /Far Away|Stop all sharing/);
    assert.deepEqual(await htmlProblems(page.body), []);
    const change = await client.get(`/my/sharing/${harbour}`);
    assert.match(textOf(change.body), /Mental health Talking therapies/);
    assert.deepEqual(await htmlProblems(change.body), []);
  });

  it('changes what an organisation sees at once, and keeps the choice', async () => {
    await world.resource(nia, moor, { resourceType: 'Condition' }, 0);
    await world.resource(nia, moor, { resourceType: 'CarePlan' }, 3);
    assert.deepEqual(await seenBy(harbour), []);
    await client.get(`/my/sharing/${harbour}`);
    await client.post(`/my/sharing/${harbour}`, [
      ['labels', 'GENERAL_HEALTH'],
      ['labels', 'SOCIAL_CARE'],
    ]);
    assert.deepEqual(await seenBy(harbour), ['CarePlan', 'Condition', 'Consent']);
    await client.get(`/my/sharing/${harbour}`);
    await client.post(`/my/sharing/${harbour}`, { labels: 'SOCIAL_CARE' });
    assert.deepEqual(await seenBy(harbour), ['CarePlan', 'Consent']);
    assert.deepEqual(
      await seenBy(moor),
      ['CarePlan', 'Condition'],
      'a choice about one is no other’s to see',
    );
    assert.deepEqual([await shared(harbour), await shared(moor)], [8, 0]);
    const page = textOf((await client.get('/my/sharing')).body);
    assert.match(page, /Your choice holds from now on/);
    assert.match(
      page,
      /from general health and social care to social care .* from nothing to general health and social care/,
    );
    assert.deepEqual(
      service.audit.map(({ interaction, organisationId, detail }) => [interaction, organisationId, detail]),
      [
        ['my-sharing', harbour, 'shares general health and social care'],
        ['my-sharing', harbour, 'shares social care'],
      ],
    );
  });

  it('is kept with the Consent that tells of it, or not at all', async () => {
    const kept = async () =>
      (
        await db.database.owner.query(
          `select (select count(*) from sharing_choice where patient_id = $1)::integer as choices,
                  (select count(*) from resource where patient_id = $1 and by_patient)::integer as consents`,
          [nia],
        )
      ).rows[0];
    await db.database.owner.query(`
      create function broken() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
      create trigger broken before insert on resource for each row when (new.by_patient) execute function broken()`);
    await client.get(`/my/sharing/${harbour}`);
    const failed = await client.post(`/my/sharing/${harbour}`, { labels: 'GENERAL_HEALTH' });
    await db.database.owner.query('drop trigger broken on resource');
    assert.equal(failed.statusCode, 500);
    assert.deepEqual([await kept(), await shared(harbour)], [{ choices: 0, consents: 0 }, 0]);
    await client.get(`/my/sharing/${harbour}`);
    await client.post(`/my/sharing/${harbour}`, { labels: 'GENERAL_HEALTH' });
    assert.deepEqual([await kept(), await shared(harbour)], [{ choices: 1, consents: 1 }, 1]);
  });

  it('keeps no choice that changes nothing', async () => {
    await client.get(`/my/sharing/${harbour}`);
    await client.post(`/my/sharing/${harbour}`, {});
    assert.match(textOf((await client.get('/my/sharing')).body), /You have not changed anything here yet/);
  });

  it('stops all of it with one act, after saying what that means', async () => {
    for (const organisation of [harbour, moor]) {
      await client.get(`/my/sharing/${organisation}`);
      await client.post(`/my/sharing/${organisation}`, { labels: 'GENERAL_HEALTH' });
    }
    const page = await client.get('/my/sharing/stop');
    assert.match(
      textOf(page.body),
      /each organisation sees only what it wrote itself: Harbour Trust, which now also sees: general health/,
    );
    assert.deepEqual(await htmlProblems(page.body), []);
    assert.equal((await client.post('/my/sharing/stop')).statusCode, 303);
    assert.deepEqual([await shared(harbour), await shared(moor)], [0, 0]);
    const after_ = textOf((await client.get('/my/sharing')).body);
    assert.match(after_, /All sharing has stopped/);
    assert.equal(after_.match(/when you stopped all sharing/g)?.length, 2);
    assert.match(textOf((await client.get('/my/sharing/stop')).body), /You share nothing now/);
  });

  it('concerns no organisation but those that look after the patient, and no label but the four', async () => {
    assert.equal((await client.get(`/my/sharing/${far}`)).statusCode, 404);
    assert.equal((await client.post(`/my/sharing/${far}`, { labels: 'GENERAL_HEALTH' })).statusCode, 404);
    await client.get(`/my/sharing/${harbour}`);
    await client.post(`/my/sharing/${harbour}`, [
      ['labels', 'EVERYTHING'],
      ['labels', 'MENTAL_HEALTH'],
    ]);
    assert.equal(await shared(harbour), 2);
  });

  it('is chosen by nobody else: not by staff, not by another patient, not without the form', async () => {
    const stranger = await world.patient({ organisations: [harbour] });
    await world.account(stranger, `stranger${numbered}@example.org`);
    const other = await service.signedIn(`stranger${numbered}@example.org`);
    await other.get(`/my/sharing/${harbour}`);
    await other.post(`/my/sharing/${harbour}`, { labels: 'GENERAL_HEALTH' });
    assert.equal(await shared(harbour), 0);
    await client.get(`/my/sharing/${harbour}`);
    assert.equal(
      (await client.post(`/my/sharing/${harbour}`, { labels: 'GENERAL_HEALTH', _csrf: 'x' })).statusCode,
      403,
    );
    assert.equal(await shared(harbour), 0);
    const { service: pool } = db.database;
    await assert.rejects(pool.query('update registration set shared_labels = 15'), /permission denied/);
    await assert.rejects(pool.query('update sharing_choice set labels = 15'), /permission denied/);
    const { rows } = await pool.query('select choose_sharing($1, 15::smallint, $1, false) as before', [
      harbour,
    ]);
    assert.equal(rows[0].before, null, 'nobody acts');
  });

  it('is read by the patient alone', async () => {
    await client.get(`/my/sharing/${harbour}`);
    await client.post(`/my/sharing/${harbour}`, { labels: 'SEXUAL_HEALTH' });
    const { rows } = await db.database.service.query('select * from sharing_choice');
    assert.deepEqual(rows, []);
  });

  it('is put in words', () => {
    assert.equal(labelsInWords(0), 'nothing');
    assert.equal(labelsInWords(15), 'everything');
    assert.equal(labelsInWords(7), 'general health, mental health and sexual health');
  });
});
