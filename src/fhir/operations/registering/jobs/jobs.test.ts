import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { createRoom, type Room } from '../../../room.ts';
import { entriesOf, NHS, nationalNumber, type OperationsWorld, operationsWorld } from '../../fixture.ts';
import { linesOf } from './lines-of.ts';
import { workOnPart } from './worker.ts';

let w: OperationsWorld;
let room: Room;

before(async () => {
  w = await operationsWorld();
  room = createRoom(w.world.context, w.world.definitions);
});
after(() => w.world.stop());

const patientOf = (number: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: NHS, value: number }],
  name: [{ family: 'Example', given: ['Robin'] }],
  gender: 'female',
  birthDate: '1980-02-03',
  ...more,
});
const ndjson = (resources: unknown[]) => resources.map((one) => JSON.stringify(one)).join('\n');
const many = (count: number) => Array.from({ length: count }, () => patientOf(nationalNumber()));

const begin = (
  payload: string | Buffer | Readable,
  { as = w.token, query = '', headers = {} as Record<string, string> } = {},
) =>
  w.world.app.inject({
    method: 'POST',
    url: `/organisations/${w.here.odsCode}/fhir/R4/Patient/$register${query}`,
    headers: {
      authorization: `Bearer ${as}`,
      'content-type': 'application/fhir+ndjson',
      prefer: 'respond-async',
      ...headers,
    },
    payload,
  });
const at = (location: unknown) => String(location).replace(/^.*\/fhir\/R4/, '');
const get = (path: string, as = w.token) => w.world.fhir(w.here, as, path);
/** Works until nothing is left, whoever does it. */
async function finish(path: string) {
  for (;;) {
    await workOnPart(room);
    const answer = await get(path);
    if (answer.status !== 202) return answer;
  }
}
const registered = (number: string) =>
  w.sql('select 1 from registration_identifier where value = $1 and organisation_id = $2', number, w.here.id);

test('any number is taken in, worked on part by part, and answered row by row', async () => {
  const rows = many(4500);
  const bad = { ...rows[4321], birthDate: 'never' };
  const begun = await begin(ndjson(rows.with(4321, bad as never)));
  assert.equal(begun.statusCode, 202, begun.body);
  const location = String(begun.headers['content-location']);
  assert.match(
    location,
    new RegExp(`/organisations/${w.here.odsCode}/fhir/R4/Patient/\\$register/[0-9a-f-]{36}$`),
  );
  const path = at(location);
  const before = await get(path);
  if (before.status === 202)
    assert.match(String(before.headers['x-progress']), /^\d+ of 4500 rows are done$/);

  const done = await finish(path);
  assert.equal(done.status, 200, done.text);
  const [state, dryRun, summary, ...results] = done.json.parameter;
  assert.deepEqual([state.valueCode, dryRun.valueBoolean], ['done', false]);
  assert.deepEqual(
    Object.fromEntries(summary.part.map(({ name, valueUnsignedInt }: never) => [name, valueUnsignedInt])),
    { total: 4500, created: 4499, 'resource-invalid': 1 },
  );
  assert.equal(results.length, 3);
  const entries = [];
  for (const { valueUrl } of results) {
    entries.push(...entriesOf((await get(at(valueUrl))).json, 'registration'));
  }
  assert.deepEqual(
    entries.map(({ row }) => row),
    Array.from({ length: 4500 }, (_, n) => n + 1),
  );
  assert.equal(entries[4321]!.outcome, 'resource-invalid');
  assert.equal((await registered(rows[4499]!.identifier[0]!.value)).length, 1);
  const parts = w.world.audit.filter(({ detail }) => detail?.startsWith('part '));
  assert.deepEqual(
    parts.map(({ count, patients }) => [count, patients!.length]),
    [
      [2000, 2000],
      [2000, 2000],
      [500, 499],
    ],
  );
  assert.deepEqual(await w.sql('select 1 from register_part where input is not null'), []);
});

/** Takes the one part there is as a process would that then goes no further. */
async function takeAndDie(rows: unknown[]) {
  for (;;) {
    const path = at((await begin(ndjson(rows))).headers['content-location']);
    const client = await w.world.db.database.service.connect();
    try {
      await client.query('begin');
      const { rows: taken } = await client.query('select job_id from take_register_part()');
      assert.equal(await workOnPart(room), false, 'nobody else is at it meanwhile');
      await client.query('rollback');
      // The service of this test works, too, and may have been quicker.
      if (taken[0].job_id !== null) return path;
    } finally {
      client.release();
    }
  }
}

test('what a process was at when it died is done by another', async () => {
  const rows = many(3);
  const done = await finish(await takeAndDie(rows));
  assert.equal(done.json.parameter[0].valueCode, 'done');
  for (const { identifier } of rows) assert.equal((await registered(identifier[0]!.value)).length, 1);
});

test('it goes on when the token is dead', async () => {
  const access = await w.world.access(w.here, { scopes: ['system/Patient.$register'] });
  const rows = many(2);
  const path = at((await begin(ndjson(rows), { as: access.token })).headers['content-location']);
  await w.sql('update access_token set expires_at = now() where client_id = $1', access.system.clientId);
  assert.equal((await get(path, access.token)).code, 'token-invalid');
  const next = await w.world.token(access.system, { scopes: ['system/Patient.$register'] });
  for (let status = 202; status === 202; ) {
    await workOnPart(room);
    ({ status } = await get(path, next));
  }
  assert.equal((await registered(rows[1]!.identifier[0]!.value)).length, 1);
});

test('it ends when the connection does, and what is left is not kept', async () => {
  const access = await w.world.access(w.here, { scopes: ['system/Patient.$register'] });
  const id = `${w.here.id.slice(0, 8)}-0000-8000-8000-000000000001`;
  await w.world.revoke(access.connection);
  await w.sql(
    `insert into register_job (route, id, organisation_id, client_id, connection_id, base, dry_run, state, request_id,
                               expires_at, rows, parts)
     values (fhir_route($1), $1, $2, $3, $4, 'https://x', false, 'receiving', 'r', now() + interval '1 hour', 1, 1)`,
    ...[id, w.here.id, access.system.clientId, access.connection.id],
  );
  const [row] = many(1);
  await w.sql(
    'insert into register_part (route, job_id, number, first_row, rows, input) values (fhir_route($1), $1, 1, 1, 1, $2)',
    ...[id, JSON.stringify(row)],
  );
  await w.sql(`update register_job set state = 'running' where id = $1`, id);
  while (await workOnPart(room));
  const [job] = await w.sql(
    `select j.state, j.stop_code, p.input from register_job j join register_part p on p.job_id = j.id
      where j.id = $1 for update of j`,
    id,
  );
  assert.deepEqual(job, { state: 'stopped', stop_code: 'connection-revoked', input: null });
  assert.equal((await registered(row!.identifier[0]!.value)).length, 0);
});

test('another system, or another organisation’s, finds no such job', async () => {
  const path = at((await begin(ndjson(many(1)))).headers['content-location']);
  const scopes = ['system/Patient.$register'];
  const other = await w.world.access(w.here, { scopes });
  const theirs = await w.world.access(w.there, { scopes });
  await finish(path);
  for (const below of ['', '/1']) {
    assert.equal((await get(path + below, other.token)).status, 404);
    assert.equal((await w.world.fhir(w.there, theirs.token, path + below)).status, 404);
  }
  assert.equal((await get(`${path}/2`)).status, 404);
  assert.equal((await get(`${path}/x`)).status, 404);
  assert.equal((await get('/Patient/$register/none')).status, 404);
  const posted = await w.world.fhir(w.here, w.token, path, { method: 'POST', body: {} });
  assert.deepEqual([posted.status, posted.headers.allow], [405, 'GET, HEAD, DELETE']);
});

test('DELETE ends a job, and what was not done is not', async () => {
  const rows = many(1);
  const path = at((await begin(ndjson(rows))).headers['content-location']);
  const deleted = await w.world.fhir(w.here, w.token, path, { method: 'DELETE' });
  assert.ok([204, 404].includes(deleted.status), 'unless it was done before');
  while (await workOnPart(room));
  const state = (await get(path)).json.parameter[0].valueCode;
  assert.equal(state, deleted.status === 204 ? 'cancelled' : 'done');
  assert.equal((await registered(rows[0]!.identifier[0]!.value)).length, state === 'done' ? 1 : 0);
  assert.equal((await w.world.fhir(w.here, w.token, path, { method: 'DELETE' })).status, 404);
});

test('a dry run of any length does nothing but say what would come of it', async () => {
  const rows = many(3);
  const path = at((await begin(ndjson(rows), { query: '?dry-run=true' })).headers['content-location']);
  const done = await finish(path);
  assert.deepEqual(done.json.parameter[1], { name: 'dryRun', valueBoolean: true });
  const entries = entriesOf((await get(`${path}/1`)).json, 'registration');
  assert.deepEqual(
    entries.map(({ outcome, patient }) => [outcome, patient]),
    Array(3).fill(['created', undefined]),
  );
  assert.equal((await registered(rows[0]!.identifier[0]!.value)).length, 0);
});

test('sent again under its Idempotency-Key it is the same job', async () => {
  const body = ndjson(many(2));
  const headers = { 'idempotency-key': 'job-1' };
  const locations = [];
  for (let n = 0; n < 2; n++) locations.push((await begin(body, { headers })).headers['content-location']);
  assert.equal(locations[0], locations[1]);
  const other = await begin(ndjson(many(2)), { headers });
  assert.equal(other.json().issue[0].details.coding[0].code, 'idempotency-key-reused');
  await finish(at(locations[0]));
});

test('a Bundle may be taken in as well', async () => {
  const entry = many(2).map((resource) => ({ resource }));
  const begun = await begin(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }), {
    headers: { 'content-type': 'application/fhir+json' },
  });
  assert.equal(begun.statusCode, 202, begun.body);
  const done = await finish(at(begun.headers['content-location']));
  assert.match(done.text, /"name":"created","valueUnsignedInt":2/);
});

test('who may not register is refused, and an empty or broken body begins nothing', async () => {
  const { token: as } = await w.world.access(w.here, { scopes: ['system/Patient.rs'] });
  const refused = await begin(ndjson(many(1)), { as });
  assert.equal(refused.json().issue[0].details.coding[0].code, 'scope-insufficient');
  for (const body of ['', '\n \n', Buffer.from([0x7b, 0xff])])
    assert.equal((await begin(body)).statusCode, 400);
  assert.deepEqual(await w.sql(`select 1 from register_job where state in ('receiving', 'running')`), []);
});

test('ten may be under way at once', async () => {
  const access = await w.world.access(w.here, { scopes: ['system/Patient.$register'] });
  await w.sql(
    `insert into register_job (route, id, organisation_id, client_id, connection_id, base, dry_run, state, request_id, expires_at)
     select fhir_route(i), i, $1::uuid, $2, $3::uuid, 'https://x', false, 'receiving', 'r', now() + interval '1 hour'
       from (select (left($1::text, 8) || substr(gen_random_uuid()::text, 9))::uuid as i from generate_series(1, 10)) s`,
    w.here.id,
    access.system.clientId,
    access.connection.id,
  );
  const refused = await begin(ndjson(many(1)), { as: access.token });
  assert.equal(refused.json().issue[0].details.coding[0].code, 'too-many');
  await w.sql(
    `update register_job set expires_at = now() - interval '1 minute' where client_id = $1`,
    access.system.clientId,
  );
  await room.query('sweep', 'select sweep_operations()', []);
  assert.equal((await begin(ndjson(many(1)), { as: access.token })).statusCode, 202);
});

test('lines are whole however the bytes are cut, in any script', async () => {
  const text = 'Élodie Ångström\n\n  \r\n{"a":"日本"}\nlast';
  const bytes = Buffer.from(text);
  for (let size = 1; size < 9; size++) {
    const chunks = [];
    for (let from = 0; from < bytes.length; from += size) chunks.push(bytes.subarray(from, from + size));
    const lines: string[] = [];
    for await (const line of linesOf(Readable.from(chunks), () => undefined)) lines.push(line);
    assert.deepEqual(lines, ['Élodie Ångström', '{"a":"日本"}', 'last']);
  }
});

test('a body that breaks off is the sender’s fault', async () => {
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from(`${ndjson(many(1))}\n`);
      throw new Error('connection reset');
    })(),
  );
  const read = async () => {
    for await (const _line of linesOf(broken, () => undefined));
  };
  await assert.rejects(read, { code: 'request-malformed' });
});
