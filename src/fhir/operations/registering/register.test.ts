import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CHI, entriesOf, NHS, nationalNumber, type OperationsWorld, operationsWorld } from '../fixture.ts';

let w: OperationsWorld;
let theirs: string;
let reading: string;

before(async () => {
  w = await operationsWorld();
  theirs = (await w.world.access(w.there, { scopes: ['system/Patient.$register', 'system/*.cruds'] })).token;
  reading = (await w.world.access(w.here, { scopes: ['system/*.cruds'] })).token;
});
after(() => w.world.stop());

type Options = { as?: string; to?: { id: string }; headers?: Record<string, string>; query?: string };
const patientOf = (number: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: NHS, value: number }],
  name: [{ family: 'Example', given: ['Robin'] }],
  gender: 'female',
  birthDate: '1980-02-03',
  ...more,
});
const bundleOf = (resources: unknown[]) => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: resources.map((resource) => ({ resource })),
});
const post = (body: unknown, { as = w.token, to = w.here, headers, query = '' }: Options = {}) =>
  w.world.fhir(to, as, `/Patient/$register${query}`, { method: 'POST', body, headers });
const register = async (resources: unknown[], options?: Options) => {
  const answer = await post(bundleOf(resources), options);
  assert.equal(answer.status, 200, answer.text);
  return entriesOf(answer.json, 'registration');
};
const outcomes = (entries: Record<string, unknown>[]) => entries.map(({ outcome }) => outcome);
const patients = (number: string) =>
  w.sql(
    `select p.* from patient p join patient_identifier i on i.route = p.route and i.patient_id = p.id where i.value = $1`,
    number,
  );

test('every row has its outcome, with its place, and a summary counts them', async () => {
  const [known, linked, changed, fresh, wrong] = Array.from({ length: 5 }, nationalNumber) as [
    string,
    string,
    string,
    string,
    string,
  ];
  await register([patientOf(known), patientOf(changed), patientOf(wrong)]);
  await register([patientOf(linked)], { as: theirs, to: w.there });
  const answer = await post(
    bundleOf([
      patientOf(known),
      patientOf(linked),
      patientOf(changed, { gender: 'male' }),
      patientOf(fresh),
      patientOf(wrong, { birthDate: '1999-01-01' }),
      patientOf('1234567890'),
      { resourceType: 'Patient', name: [{ family: 1 }] },
      { resourceType: 'Observation' },
      null,
    ]),
  );
  assert.equal(answer.status, 200, answer.text);
  const entries = entriesOf(answer.json, 'registration');
  assert.deepEqual(outcomes(entries), [
    ...['unchanged', 'linked', 'updated', 'created', 'birth-date-mismatch', 'identifier-invalid'],
    ...['resource-invalid', 'resource-invalid', 'resource-invalid'],
  ]);
  assert.deepEqual(
    entries.map(({ row }) => row),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.deepEqual(entries[3]!.patientIdentifier, { system: NHS, value: fresh });
  assert.match(entries[3]!.patient.reference, /^Patient\/[0-9a-f-]{36}$/);
  assert.equal('patient' in entries[4]!, false);
  assert.match(answer.text, /"name":"expression","valueString":"Patient\.name\[0\]\.family"/);
  const summary = Object.fromEntries(
    answer.json.parameter[0].part.map(({ name, valueUnsignedInt }: never) => [name, valueUnsignedInt]),
  );
  assert.deepEqual(summary, {
    total: 9,
    unchanged: 1,
    linked: 1,
    updated: 1,
    created: 1,
    'birth-date-mismatch': 1,
    'identifier-invalid': 1,
    'resource-invalid': 3,
  });
  const audited = w.world.audit.at(-1)!;
  assert.deepEqual([audited.interaction, audited.count, audited.patients!.length], ['$register', 9, 4]);
  assert.match(audited.detail!, /^unchanged 1, linked 1/);
});

test('what was registered is a patient like any other', async () => {
  const number = nationalNumber();
  const more = {
    identifier: [
      { system: NHS, value: number },
      { system: 'https://here.example/numbers', value: `local-${number}` },
    ],
    telecom: [{ system: 'phone', value: '020 7946 0001' }],
    extension: [{ url: 'https://here.example/weight', valueDecimal: 1.1 }],
  };
  const sent = JSON.stringify(bundleOf([patientOf(number, more)])).replace('1.1}', '1.10}');
  const entries = entriesOf((await post(sent)).json, 'registration');
  const id = entries[0]!.patient.reference.replace('Patient/', '');
  const read = await w.world.fhir(w.here, reading, `/Patient/${id}`);
  assert.equal(read.headers.etag, 'W/"1"');
  assert.match(read.text, /"valueDecimal":1\.10/);
  for (const search of [`identifier=${NHS}|${number}`, `identifier=local-${number}`, `_id=${id}`]) {
    assert.equal((await w.world.fhir(w.here, reading, `/Patient?${search}`)).json.entry?.length, 1, search);
  }
  assert.equal((await w.world.fhir(w.there, theirs, `/Patient/${id}`)).status, 404);
  assert.deepEqual(outcomes(entriesOf((await post(sent)).json, 'registration')), ['unchanged']);
});

test('rows of one patient in one request are taken one after another', async () => {
  const [number, chi] = [nationalNumber(), nationalNumber()];
  const withChi = {
    identifier: [
      { system: CHI, value: chi },
      { system: NHS, value: number },
    ],
  };
  const entries = await register([
    patientOf(number),
    patientOf(number),
    patientOf(number, { gender: 'male' }),
    patientOf(number, { birthDate: '1990-01-01' }),
    patientOf(number, { gender: 'male', active: true }),
    patientOf(number, withChi),
    { ...patientOf(number), identifier: [{ system: CHI, value: chi }] },
  ]);
  assert.deepEqual(outcomes(entries), [
    ...['created', 'unchanged', 'updated', 'birth-date-mismatch', 'updated', 'updated', 'unchanged'],
  ]);
  assert.equal(
    new Set(entries.map(({ patient }) => patient?.reference)).size,
    2,
    'one patient, and one refusal',
  );
  const [patient] = await patients(number);
  const read = await w.world.fhir(w.here, reading, `/Patient/${patient.id}`);
  assert.deepEqual([read.json.meta.versionId, read.json.active, read.json.gender], ['2', true, 'female']);
});

test('takes NDJSON, a line a row, and says which lines are none', async () => {
  const [one, two] = [nationalNumber(), nationalNumber()];
  const lines = [
    JSON.stringify(patientOf(one)),
    '',
    '{"resourceType":',
    JSON.stringify(patientOf(two)),
    '   ',
    '',
  ];
  for (const type of ['application/fhir+ndjson', 'application/x-ndjson; charset=utf-8']) {
    const answer = await post(lines.join('\r\n'), { headers: { 'content-type': type } });
    assert.equal(answer.status, 200, answer.text);
    const entries = entriesOf(answer.json, 'registration');
    assert.equal(entries[1]!.outcome, 'body-malformed');
    assert.ok(['created', 'unchanged'].includes(entries[2]!.outcome));
    assert.equal(entries.length, 3);
  }
  const wrong = await post(lines.join('\n'), { headers: { 'content-type': 'text/csv' } });
  assert.equal(wrong.code, 'format-not-supported');
  assert.equal(
    (await post(Buffer.from([0xff, 0x0a]), { headers: { 'content-type': 'application/fhir+ndjson' } })).code,
    'body-malformed',
  );
});

test('takes one to five thousand rows, and refuses none and more before anything is done', async () => {
  const numbers = Array.from({ length: 5000 }, nationalNumber);
  const entries = await register(numbers.map((number) => patientOf(number)));
  assert.equal(entries.length, 5000);
  assert.deepEqual([...new Set(outcomes(entries))], ['created']);
  assert.deepEqual(
    [...new Set(outcomes(await register(numbers.map((number) => patientOf(number)))))],
    ['unchanged'],
  );

  assert.equal((await post(bundleOf([]))).code, 'parameters-invalid');
  const more = Array.from({ length: 5001 }, nationalNumber);
  const refused = await post(bundleOf(more.map((number) => patientOf(number))));
  assert.deepEqual([refused.status, refused.code], [413, 'too-many']);
  assert.match(refused.text, /respond-async/);
  assert.deepEqual(await patients(more[0]!), []);
  const lines = more.map((number) => JSON.stringify(patientOf(number))).join('\n');
  assert.equal(
    (await post(lines, { headers: { 'content-type': 'application/fhir+ndjson' } })).code,
    'too-many',
  );
});

test('a body that is neither Bundle nor NDJSON is refused', async () => {
  for (const body of [patientOf(nationalNumber()), { resourceType: 'Bundle', type: 'history' }, [], null]) {
    assert.equal((await post(JSON.stringify(body))).code, 'parameters-invalid');
  }
  const deletion = {
    ...bundleOf([]),
    type: 'batch',
    entry: [{ request: { method: 'DELETE', url: 'Patient/1' } }],
  };
  assert.deepEqual(outcomes(entriesOf((await post(deletion)).json, 'registration')), ['batch-invalid']);
  assert.equal(
    (await post(bundleOf([patientOf(nationalNumber())]), { query: '?other=1' })).code,
    'parameters-invalid',
  );
});

test('return=minimal names only the rows that were refused', async () => {
  const answer = await post(bundleOf([patientOf(nationalNumber()), patientOf('1')]), {
    headers: { prefer: 'return=minimal' },
  });
  const entries = entriesOf(answer.json, 'registration');
  assert.deepEqual(
    entries.map(({ row, outcome }) => [row, outcome]),
    [[2, 'identifier-invalid']],
  );
});

test('a dry run says what would come of it, and does nothing', async () => {
  const [known, linked, fresh] = [nationalNumber(), nationalNumber(), nationalNumber()];
  await register([patientOf(known)]);
  await register([patientOf(linked)], { as: theirs, to: w.there });
  const rows = [
    patientOf(known, { gender: 'male' }),
    patientOf(linked),
    patientOf(fresh),
    patientOf(linked, { birthDate: '1980-02-04' }),
  ];
  const headers = { 'idempotency-key': 'dry' };
  const entries = await register(rows, { query: '?dry-run=true', headers });
  assert.deepEqual(outcomes(entries), ['updated', 'linked', 'created', 'birth-date-mismatch']);
  assert.deepEqual(
    entries.map(({ patient }) => patient !== undefined),
    [true, false, false, false],
  );
  assert.deepEqual(await patients(fresh), []);
  const [stranger] = await patients(linked);
  assert.deepEqual(
    await w.sql(
      'select 1 from registration where patient_id = $1 and organisation_id = $2',
      stranger.id,
      w.here.id,
    ),
    [],
  );
  assert.deepEqual(outcomes(await register(rows, { query: '?dry-run=true', headers })), outcomes(entries));
  assert.deepEqual(outcomes(await register(rows)), outcomes(entries));
});

test('neither many rows nor dry runs let anybody try dates of birth through', async () => {
  const number = nationalNumber();
  await register([patientOf(number)], { as: theirs, to: w.there });
  const day = (n: number) => new Date(Date.UTC(1980, 0, n)).toISOString().slice(0, 10);
  const tries = Array.from({ length: 40 }, (_, n) => patientOf(number, { birthDate: day(n + 1) }));
  assert.ok(tries.some(({ birthDate }) => birthDate === '1980-02-03'));
  const entries = await register(tries);
  assert.deepEqual([...new Set(outcomes(entries))], ['birth-date-mismatch']);

  const other = nationalNumber();
  await register([patientOf(other)], { as: theirs, to: w.there });
  for (let n = 1; n <= 10; n++) {
    await register([patientOf(other, { birthDate: day(n) })], { query: '?dry-run=true' });
  }
  assert.deepEqual(outcomes(await register([patientOf(other)])), ['birth-date-mismatch']);
});

test('two who register overlapping lists at once, in opposite order, make each patient once', async () => {
  const numbers = Array.from({ length: 60 }, nationalNumber);
  const rows = numbers.map((number) => patientOf(number));
  const answers = await Promise.all([
    register(rows),
    register([...rows].reverse(), { as: theirs, to: w.there }),
    register([...rows].reverse()),
    register(rows, { as: theirs, to: w.there }),
  ]);
  const all = answers.flatMap(outcomes);
  const count = (outcome: string) => all.filter((one) => one === outcome).length;
  assert.deepEqual([count('created'), count('linked'), count('unchanged')], [60, 60, 120]);
  for (const number of numbers) assert.equal((await patients(number)).length, 1);
});

test('a list that is made to take long is not taken', async () => {
  // Each row shares an identifier with the one before it.
  const numbers = Array.from({ length: 200 }, nationalNumber);
  const rows = numbers.slice(1).map((number, n) => ({
    ...patientOf(number),
    identifier: [
      { system: n % 2 ? NHS : CHI, value: numbers[n] },
      { system: n % 2 ? CHI : NHS, value: number },
    ],
  }));
  const entries = await register(rows);
  assert.ok(outcomes(entries).includes('write-contended'));
  assert.equal(entries.length, rows.length);
});

test('under one Idempotency-Key it happens once, whatever became of the answer', async () => {
  const rows = [patientOf(nationalNumber())];
  const headers = { 'idempotency-key': 'list-1' };
  for (let n = 0; n < 3; n++) assert.deepEqual(outcomes(await register(rows, { headers })), ['created']);
  assert.equal(
    (await post(bundleOf([patientOf(nationalNumber())]), { headers })).code,
    'idempotency-key-reused',
  );
  assert.deepEqual(outcomes(await register(rows)), ['unchanged']);
});

test('nothing is done for a connection that was revoked, or does not cover it', async () => {
  const access = await w.world.access(w.here, { scopes: ['system/Patient.$register'] });
  await w.world.revoke(access.connection);
  const number = nationalNumber();
  assert.equal((await post(bundleOf([patientOf(number)]), { as: access.token })).code, 'connection-revoked');
  assert.equal((await post(bundleOf([patientOf(number)]), { as: reading })).code, 'scope-insufficient');
  assert.equal((await post(bundleOf([patientOf('bad')]), { as: reading })).code, 'scope-insufficient');
  assert.deepEqual(await patients(number), []);
});
