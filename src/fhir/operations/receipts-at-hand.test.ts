import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { untilLockWaited } from '../../../test/support/until-lock-waited.ts';
import { type OperationsWorld, operationsWorld } from './fixture.ts';

/* What is kept beside an identifier so that receipts need no second look is always what the letter itself says. */

let w: OperationsWorld;
before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

const SYSTEM = 'urn:at-hand';
let serial = 0;

async function send(patient: { id: string }, values: string[]): Promise<string> {
  const { id } = await w.world.stored(
    w.here,
    {
      resourceType: 'DocumentReference',
      status: 'current',
      subject: { reference: `Patient/${patient.id}` },
      identifier: values.map((value) => ({ system: SYSTEM, value })),
      content: [{ attachment: { contentType: 'text/plain', data: 'SGVsbG8=' } }],
    },
    { patientId: patient.id, label: 'GENERAL_HEALTH' },
  );
  return id;
}

const stale = () =>
  w.sql(
    `select w.value from letter_identifier w join letter l on l.route = w.route and l.id = w.letter_id
      where (w.label, w.visible_from, w.first_read_at, w.reported_unreadable_at, w.removed_at)
            is distinct from (l.label, l.visible_from, l.first_read_at, l.reported_unreadable_at, l.removed_at)`,
  );

/** Each takes the letters sent so far and what of them is meant; all are statements that the product has. */
const CHANGES: Record<string, string> = {
  read: 'update letter set first_read_at = clock_timestamp() where id = $1 and first_read_at is null',
  report: 'update letter set reported_unreadable_at = clock_timestamp() where id = $1',
  rewrite: `update resource set content = replace(content, 'SGVsbG8=', 'SGVsbG9v') where id = $1`,
  withdraw: `update resource set content = replace(content, '"current"', '"superseded"') where id = $1`,
  later: `update letter set visible_from = visible_from + interval '3 days' where id = $1`,
  relabel: 'update resource set label = (label + 1) % 4 where id = $1',
  remove: 'delete from resource where id = $1',
};

test('whatever becomes of letters that share identifiers, receipts say what the letters say', async () => {
  const act = fc.oneof(
    fc.record({ kind: fc.constant('send'), under: fc.subarray(['a', 'b', 'c'], { minLength: 1 }) }),
    fc.record({ kind: fc.constantFrom(...Object.keys(CHANGES)), which: fc.nat(5) }),
  );
  const acts = fc.array(act, { minLength: 3, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(acts, async (played) => {
      const patient = await w.patient();
      const run = ++serial;
      const under = (values: string[]) => values.map((value) => `${run}-${value}`);
      const sent = [await send(patient, under(['a', 'b']))];
      for (const one of played) {
        if ('under' in one) sent.push(await send(patient, under(one.under)));
        else await w.sql(CHANGES[one.kind]!, sent[one.which % sent.length]);
      }
      assert.deepEqual(await stale(), [], JSON.stringify(played));
    }),
    { numRuns: 40 },
  );
});

test('a letter that is read while the one that replaced it is deleted is the letter again, and read', async () => {
  const patient = await w.patient();
  const value = `replaced-${++serial}`;
  const first = await send(patient, [value]);
  const second = await send(patient, [value]);
  const reading = w.world.db.database.newClient({ as: 'owner' });
  await reading.connect();
  try {
    await reading.query('begin');
    await reading.query(CHANGES.read!, [first]);
    const removed = w.sql(CHANGES.remove!, second);
    await untilLockWaited(w.world.db.database.owner);
    await reading.query('commit');
    await removed;
  } finally {
    await reading.end();
  }
  assert.deepEqual(await stale(), []);
  const [beside] = await w.sql(
    'select letter_id, first_read_at from letter_identifier where value = $1',
    value,
  );
  assert.equal(beside.letter_id, first);
  assert.ok(beside.first_read_at);
});

test('a letter that is replaced while it is read leaves no receipt for the one that took its place', async () => {
  const patient = await w.patient();
  const value = `taken-${++serial}`;
  const first = await send(patient, [value]);
  const reading = w.world.db.database.newClient({ as: 'owner' });
  await reading.connect();
  try {
    await reading.query('begin');
    await reading.query(CHANGES.read!, [first]);
    const replaced = send(patient, [value]);
    await untilLockWaited(w.world.db.database.owner);
    await reading.query('commit');
    await replaced;
  } finally {
    await reading.end();
  }
  assert.deepEqual(await stale(), []);
  const [beside] = await w.sql('select first_read_at from letter_identifier where value = $1', value);
  assert.equal(beside.first_read_at, null);
});

test('the service itself cannot read what is kept beside identifiers', async () => {
  await assert.rejects(
    w.world.db.database.service.query('select * from letter_identifier'),
    /permission denied/,
  );
});
