import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { untilLockWaited } from '../../../test/support/until-lock-waited.ts';
import { labelBits } from '../../../test/support/world.ts';
import { entriesOf, nationalNumber, type OperationsWorld, operationsWorld } from './fixture.ts';

const RECEIPTS = 'DocumentReference/$read-receipt-query';
const SYSTEM = 'https://sender.example/letters';

let w: OperationsWorld;
let serial = 0;

before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

const ask = async (
  ...args: Parameters<OperationsWorld['ask']> extends [string, ...infer Rest] ? Rest : never
) => {
  const answer = await w.ask(RECEIPTS, ...args);
  assert.equal(answer.status, 200, answer.text);
  return entriesOf(answer.json, 'readReceipt');
};

async function letter(
  patient: { id: string },
  {
    value = `letter-${++serial}`,
    organisation = w.here,
    label = 'GENERAL_HEALTH' as const,
    system = SYSTEM,
  } = {},
) {
  const { id } = await w.world.stored(
    organisation,
    {
      resourceType: 'DocumentReference',
      status: 'current',
      subject: { reference: `Patient/${patient.id}` },
      masterIdentifier: { system, value },
      content: [{ attachment: { contentType: 'text/plain', data: 'SGVsbG8=' } }],
    },
    { patientId: patient.id, label },
  );
  return { id, value, identifier: { system, value } };
}

test('says whether, and when, the patient first opened each letter', async () => {
  const patient = await w.patient();
  const [read, unread, reported] = [await letter(patient), await letter(patient), await letter(patient)];
  await w.sql(`update letter set first_read_at = '2026-11-01T10:20:30.456Z' where id = $1`, read.id);
  await w.sql(`update letter set reported_unreadable_at = '2026-11-02T00:00:00Z' where id = $1`, reported.id);
  const entries = await ask([read.identifier, unread.identifier, reported.identifier]);
  assert.deepEqual(
    entries.map(({ visibleFrom, ...rest }) => rest),
    [
      {
        documentIdentifier: read.identifier,
        read: true,
        firstRead: '2026-11-01T10:20:30.456Z',
        outcome: 'found',
      },
      { documentIdentifier: unread.identifier, read: false, outcome: 'found' },
      {
        documentIdentifier: reported.identifier,
        read: false,
        reportedUnreadable: '2026-11-02T00:00:00.000Z',
        outcome: 'found',
      },
    ],
  );
  assert.ok(entries.every(({ visibleFrom }) => !Number.isNaN(Date.parse(visibleFrom))));
  const entry = w.world.audit.at(-1)!;
  assert.deepEqual([entry.patients, entry.count, entry.detail], [[patient.id], 3, 'found 3']);
});

test('what it was sent before it was replaced or changed is not taken for the letter', async () => {
  const patient = await w.patient();
  const first = await letter(patient);
  await w.sql('update letter set first_read_at = now() where id = $1', first.id);
  await letter(patient, { value: first.value });
  assert.equal((await ask([first.identifier]))[0]!.read, false);
});

test('a document that was deleted is said to be withdrawn, with what became of it before', async () => {
  const patient = await w.patient();
  const gone = await letter(patient);
  await w.sql('update letter set first_read_at = now() where id = $1', gone.id);
  await w.sql('delete from resource where id = $1', gone.id);
  const [entry] = await ask([gone.identifier]);
  assert.deepEqual([entry!.outcome, entry!.read], ['withdrawn', true]);
});

test('an identifier can be sent without its system, and as a plain text', async () => {
  const one = await letter(await w.patient());
  assert.equal((await ask([{ value: one.value }]))[0]!.outcome, 'found');
  assert.equal((await ask([{ system: 'https://other.example', value: one.value }]))[0]!.outcome, 'not-found');
  const answer = await w.world.fhir(w.here, w.token, `/${RECEIPTS}`, {
    method: 'POST',
    body: { resourceType: 'Parameters', parameter: [{ name: 'documentIdentifier', valueString: one.value }] },
  });
  const [entry] = entriesOf(answer.json, 'readReceipt');
  assert.deepEqual([entry!.outcome, entry!.documentIdentifier], ['found', { value: one.value }]);
});

test('an identifier that several patients’ letters share is not answered with one of them', async () => {
  const shared = await letter(await w.patient());
  await letter(await w.patient(), { value: shared.value });
  const [entry] = await ask([shared.identifier]);
  assert.equal(entry!.outcome, 'multiple-matches');
  assert.equal('read' in entry!, false);
});

test('letters that this organisation did not send, or may not see, are like none at all', async () => {
  const both = await w.patient();
  await w.world.register(both, w.there);
  const stranger = await w.patient(w.there);
  const left = await w.patient();
  const own = await letter(both);
  const letters = [
    await letter(both, { organisation: w.there }),
    await letter(stranger, { organisation: w.there }),
    await letter(left),
    { identifier: { system: SYSTEM, value: 'nobody’s' } },
  ];
  await w.sql('delete from registration where patient_id = $1', left.id);
  const answer = await w.ask(RECEIPTS, [own.identifier, ...letters.map(({ identifier }) => identifier)]);
  const entries = entriesOf(answer.json, 'readReceipt').map(({ documentIdentifier, ...rest }) => rest);
  assert.equal(entries[0]!.outcome, 'found');
  for (const entry of entries.slice(1))
    assert.deepEqual(entry, { diagnostics: 'Not found', outcome: 'not-found' });
});

test('letters are told of for as long as their patient is registered, and again afterwards', async () => {
  const patient = await w.patient();
  const before = await letter(patient);
  const told = async () => (await ask([before.identifier]))[0]!.outcome;
  assert.equal(await told(), 'found');
  const [registration] = await w.sql(
    'delete from registration where patient_id = $1 returning *',
    patient.id,
  );
  assert.equal(await told(), 'not-found');
  await w.sql(
    'insert into registration (route, patient_id, organisation_id, teams) values ($1, $2, $3, $4)',
    ...[registration.route, patient.id, registration.organisation_id, registration.teams],
  );
  assert.equal(await told(), 'found');
});

test('a letter that is sent while its patient’s registration ends is not told of', async () => {
  const patient = await w.patient();
  const ending = w.world.db.database.newClient({ as: 'owner' });
  await ending.connect();
  const value = `letter-${++serial}`;
  try {
    await ending.query('begin');
    await ending.query('delete from registration where patient_id = $1', [patient.id]);
    const sent = letter(patient, { value });
    await untilLockWaited(w.world.db.database.owner);
    await ending.query('commit');
    await sent.catch(() => undefined);
  } finally {
    await ending.end();
  }
  assert.equal((await ask([{ system: SYSTEM, value }]))[0]!.outcome, 'not-found');
});

test('an identifier with characters that no text of FHIR holds names no letter, and spoils no other', async () => {
  const one = await letter(await w.patient());
  const entries = await ask([
    ...['\u0000', 'a\u0004b', `${one.value}\u0004`].map((value) => ({ system: SYSTEM, value })),
    { system: `${SYSTEM}\u0004`, value: one.value },
    one.identifier,
  ]);
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    ['not-found', 'not-found', 'not-found', 'not-found', 'found'],
  );
});

test('the connection’s labels and teams bound what it is told', async () => {
  const team = await w.world.team(w.here);
  const patient = await w.patient();
  const one = await letter(patient);
  const scopes = ['system/DocumentReference.$read-receipt-query'];
  const unlabelled = await w.world.access(w.here, { scopes, labels: labelBits('SOCIAL_CARE') });
  const otherTeam = await w.world.access(w.here, { scopes, teams: [team.id] });
  for (const { token: as } of [unlabelled, otherTeam]) {
    assert.equal((await ask([one.identifier], { as }))[0]!.outcome, 'not-found');
  }
});

test('takes one to five thousand identifiers, and refuses none and more', async () => {
  const one = await letter(await w.patient());
  const many = Array.from({ length: 4999 }, (_, n) => ({ system: SYSTEM, value: `no-${n}` }));
  const entries = await ask([...many, one.identifier]);
  assert.deepEqual([entries.length, entries.at(-1)!.outcome], [5000, 'found']);
  assert.equal((await w.ask(RECEIPTS, [])).code, 'parameters-invalid');
  assert.equal((await w.ask(RECEIPTS, [...many, one.identifier, one.identifier])).code, 'too-many');
});

test('the same identifier twice is answered twice', async () => {
  const one = await letter(await w.patient());
  const entries = await ask([one.identifier, { system: SYSTEM, value: nationalNumber() }, one.identifier]);
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    ['found', 'not-found', 'found'],
  );
});
