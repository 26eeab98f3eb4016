import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectedWorld } from '../../test/support/connected-world.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { createReach } from './reach.ts';

describe('the data a system could reach', () => {
  let db: TestDatabase;
  let world: ReturnType<typeof connectedWorld>;
  let reach: ReturnType<typeof createReach>;
  before(async () => {
    db = await testDatabase();
    world = connectedWorld(db.database.owner);
    reach = createReach({ database: db.database });
  });
  after(() => db.stop());

  it('counts the patients registered and what the organisation may see of them, and nothing else', async () => {
    const [ours, theirs] = [await world.organisation(), await world.organisation()];
    const shared = await world.patient(
      [ours.id, theirs.id],
      [
        { type: 'Observation' },
        { type: 'Observation', label: 2 },
        { type: 'Condition', by: theirs.id, label: 1 },
        { type: 'Condition', by: theirs.id, label: 0 },
        { type: 'Patient' },
      ],
    );
    await db.database.owner.query(
      'update registration set shared_labels = 2 where patient_id = $1 and organisation_id = $2',
      [shared, ours.id],
    );
    await world.patient([theirs.id], [{ type: 'Observation' }]);
    assert.deepEqual(await reach(await world.staff(ours.id, 'professional')), {
      patients: 1,
      kinds: [
        { type: 'Observation', count: 2 },
        { type: 'Condition', count: 1 },
      ],
      estimated: false,
    });
  });

  it('counts no more than the labels and teams of a connection', async () => {
    const ours = await world.organisation();
    const team = await world.team(ours.id, 'Physiotherapy');
    const inTeam = await world.patient(
      [ours.id],
      [{ type: 'Observation' }, { type: 'Observation', label: 1 }],
    );
    await world.patient([ours.id], [{ type: 'Observation' }]);
    await db.database.owner.query('update registration set teams = $2 where patient_id = $1', [
      inTeam,
      [team],
    ]);
    const person = await world.staff(ours.id);
    const count = async (labels: number, teams: string[] | null) => {
      const counted = await reach(person, { labels, teams });
      return [counted?.patients, counted?.kinds[0]?.count ?? 0];
    };
    assert.deepEqual(await count(15, null), [2, 3]);
    assert.deepEqual(await count(1, null), [2, 2]);
    assert.deepEqual(await count(15, [team]), [1, 2]);
    assert.deepEqual(await count(0b1100, [team]), [1, 0]);
  });

  it('is nothing for someone who holds no role there', async () => {
    const [ours, theirs] = [await world.organisation(), await world.organisation()];
    await world.patient([ours.id], [{ type: 'Observation' }]);
    const stranger = await world.staff(theirs.id);
    assert.equal(await reach({ ...stranger, organisationId: ours.id }), null);
  });

  it('leaves no lock open behind it', async () => {
    const ours = await world.organisation();
    await reach(await world.staff(ours.id));
    const { rows } = await db.database.service.query(
      `select nullif(current_setting('app.organisation', true), '') as organisation from generate_series(1, 5)`,
    );
    assert.ok(rows.every(({ organisation }) => organisation === null));
  });

  it('counts a large organisation exactly in patients and by estimate in records, and says so', async () => {
    const ours = await world.organisation();
    await db.database.owner.query(
      `with p as (select gen_random_uuid() as id, n from generate_series(1, 1000) n),
            r as (select id, ('x' || left(id::text, 8))::bit(32)::integer as route, n from p),
            a as (insert into patient (route, id) select route, id from r),
            b as (insert into registration (route, patient_id, organisation_id) select route, id, $1 from r)
       insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, tokens, content)
       select route, gen_random_uuid(), 'Observation', id, $1, 0, 1, now(), '{}', '{}' from r, generate_series(1, 3)`,
      [ours.id],
    );
    assert.deepEqual(await reach(await world.staff(ours.id)), {
      patients: 1000,
      kinds: [{ type: 'Observation', count: 3000 }],
      estimated: true,
    });
  });
});
