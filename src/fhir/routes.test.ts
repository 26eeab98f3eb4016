import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createWorld, observationOf, type World } from '../../test/support/world.ts';
import { newRootId } from '../ids.ts';

let world: World;
let organisation: Awaited<ReturnType<World['organisation']>>;
let token: string;
let clientId: string;
let connectionId: string;
let patient: { id: string };
let observation: { id: string };

before(async () => {
  world = await createWorld();
  organisation = await world.organisation();
  const access = await world.access(organisation);
  token = access.token;
  clientId = access.system.clientId;
  connectionId = access.connection.id;
  patient = await world.patient(organisation);
  observation = await world.observation(organisation, patient);
});
after(() => world.stop());
beforeEach(() => {
  world.audit.length = 0;
  world.faults.audit = false;
});

const get = (url: string, headers: Record<string, string> = {}) =>
  world.app.inject({ url, headers: { authorization: `Bearer ${token}`, ...headers } });

test('an organisation’s base is found by public id and by ODS code, in any case', async () => {
  for (const name of [
    organisation.id,
    organisation.id.toUpperCase(),
    organisation.odsCode,
    organisation.odsCode.toLowerCase(),
  ]) {
    const response = await get(`/organisations/${name}/fhir/R4/Observation/${observation.id}`);
    assert.equal(response.statusCode, 200, name);
  }
});

test('the common base takes the organisation from X-Org-Public-Id, and asks for it', async () => {
  const url = `/fhir/R4/Observation/${observation.id}`;
  for (const name of [organisation.id, organisation.odsCode.toLowerCase()]) {
    assert.equal((await get(url, { 'x-org-public-id': name })).statusCode, 200, name);
  }
  const without = await get(url);
  assert.equal(without.statusCode, 400);
  assert.equal(without.json().issue[0].details.coding[0].code, 'organisation-missing');
  assert.equal((await get(url, { 'x-org-public-id': 'no such thing' })).statusCode, 403);
});

test('an organisation that does not exist is answered like one without a connection', async () => {
  const other = await world.organisation();
  const texts = await Promise.all(
    [other.id, other.odsCode, 'ZZZ999', '11111111-1111-8111-8111-111111111111', "x'--"].map(async (name) => {
      const response = await get(
        `/organisations/${encodeURIComponent(name)}/fhir/R4/Observation/${observation.id}`,
      );
      return response.body.replace(/Reference [0-9a-f]+/, 'Reference');
    }),
  );
  assert.equal(new Set(texts).size, 1);
  assert.match(texts[0]!, /connection-none/);
});

test('every request has one audit record, whatever came of it', async () => {
  const base = `/organisations/${organisation.id}/fhir/R4`;
  const bearer = { authorization: `Bearer ${token}` };
  const json = { ...bearer, 'content-type': 'application/fhir+json' };
  const requests = [
    { url: `${base}/metadata`, status: 200, interaction: 'capabilities' },
    { url: `${base}/.well-known/smart-configuration`, status: 200, interaction: 'smart-configuration' },
    { url: `${base}/Observation/${observation.id}`, status: 401, interaction: 'read' },
    { url: `${base}/Observation/${observation.id}`, headers: bearer, status: 200, interaction: 'read' },
    { url: `${base}/Observation/none`, headers: bearer, status: 404, interaction: 'read' },
    { url: `${base}/Nothing/1`, headers: bearer, status: 404, interaction: 'unknown' },
    { url: `${base}/nothing`, headers: bearer, status: 404, interaction: 'unknown' },
    { url: `${base}/Observation/$nothing`, headers: bearer, status: 404, interaction: 'unknown' },
    { url: `${base}/Observation/1`, method: 'PATCH', headers: bearer, status: 405, interaction: 'unknown' },
    { url: base, method: 'DELETE', headers: bearer, status: 405, interaction: 'unknown' },
    { url: `${base}/metadata`, method: 'POST', status: 405, interaction: 'capabilities' },
    {
      url: `${base}/Observation`,
      headers: { ...bearer, accept: 'application/fhir+xml' },
      status: 406,
      interaction: 'search-type',
    },
    {
      url: `${base}/Observation`,
      method: 'POST',
      headers: { ...bearer, 'content-type': 'text/plain' },
      payload: 'x',
      status: 415,
      interaction: 'create',
    },
    {
      url: `${base}/Observation`,
      method: 'POST',
      headers: json,
      payload: '{',
      status: 400,
      interaction: 'create',
    },
    {
      url: `${base}/Observation`,
      method: 'POST',
      headers: json,
      payload: Buffer.alloc(2 * 1024 * 1024 + 1, 32),
      status: 413,
      interaction: 'create',
    },
    { url: `${base}/Observation?nonsense=1`, headers: bearer, status: 400, interaction: 'search-type' },
  ] as const;
  for (const { status, interaction, ...request } of requests) {
    world.audit.length = 0;
    const response = await world.app.inject(request as never);
    const said = `${(request as { method?: string }).method ?? 'GET'} ${request.url}`;
    assert.equal(response.statusCode, status, `${said}: ${response.body}`);
    assert.equal(world.audit.length, 1, said);
    const [entry] = world.audit;
    assert.equal(entry?.status, status, said);
    assert.equal(entry?.interaction, interaction, said);
    assert.equal(entry?.kind, 'fhir');
    assert.equal(entry?.requestId, response.headers['x-request-id']);
    if (status >= 400) {
      const { issue } = response.json();
      assert.equal(entry?.outcome, issue[0].details.coding[0].code, said);
      assert.ok(issue[0].diagnostics.endsWith(`Reference ${entry?.requestId}`), said);
    }
  }
});

test('a record says who asked for whom, what, about which patient, and how much left', async () => {
  const { text } = await world.fhir(organisation, token, `/Observation/${observation.id}`);
  const [entry] = world.audit;
  assert.deepEqual(
    { ...entry, requestId: '', address: '' },
    {
      kind: 'fhir',
      interaction: 'read',
      resourceType: 'Observation',
      resourceId: observation.id,
      outcome: 'allowed',
      status: 200,
      requestId: '',
      address: '',
      clientId,
      connectionId,
      organisationId: organisation.id,
      query: null,
      named: [],
      patients: [patient.id],
      count: 1,
      bytes: Buffer.byteLength(text),
    },
  );
});

test('a record of a search that was refused says which patients it named', async () => {
  const other = newRootId();
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const cases: [string, string[], RequestInit?][] = [
    [`/Condition?patient=${patient.id}`, [patient.id]],
    [`/Condition?subject=Patient/${patient.id},${other}`, [patient.id, other]],
    [
      `/Condition?subject:Patient=${patient.id}&patient=https://elsewhere.example/Patient/${other}`,
      [patient.id, other],
    ],
    [`/Patient?_id=${other}&nonsense=1`, [other]],
    [`/Patient/${patient.id}/_history?_count=-1`, [patient.id]],
    [`/Condition/_search`, [other], { method: 'POST', body: `patient=${other}`, headers: form }],
    [`/Condition?patient=Secretname&patient=${patient.id.toUpperCase()}&patient.name=${other}`, []],
  ];
  for (const [path, named, init] of cases) {
    world.audit.length = 0;
    const { status } = await world.fhir(organisation, 'A'.repeat(43), path, init as never);
    assert.equal(status, 401, path);
    assert.deepEqual(world.audit[0]?.patients, named, path);
  }
  world.audit.length = 0;
  const many = Array.from({ length: 30 }, () => newRootId()).join(',');
  await world.fhir(organisation, token, `/Observation?patient=${many}&nonsense=1`);
  assert.equal(world.audit[0]?.patients?.length, 20);
});

test('a record holds no number that was sent in the place of an id', async () => {
  for (const path of ['/Patient/9992718285', '/Patient/9992718285/_history/1', '/Observation/Secretname']) {
    world.audit.length = 0;
    await world.fhir(organisation, token, path);
    assert.match(world.audit[0]?.resourceId ?? '', /^#[\w-]+$/, path);
  }
});

test('a record of a search holds no name or number that was searched for', async () => {
  await world.fhir(organisation, token, '/Patient?family=Secretname&identifier=urn:x|999&gender=female');
  await world.fhir(organisation, token, '/Patient/_search', {
    method: 'POST',
    body: 'family=Secretname',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  const queries = world.audit.map(({ query }) => query);
  assert.match(queries[0] ?? '', /^family=#[\w-]+&identifier=#[\w-]+&gender=female$/);
  assert.match(queries[1] ?? '', /^family=#/);
});

test('nothing leaves when the record cannot be written', async () => {
  world.faults.audit = true;
  const response = await world.fhir(organisation, token, `/Observation/${observation.id}`);
  assert.equal(response.status, 503);
  assert.equal(response.code, 'unavailable');
  assert.equal(response.headers['retry-after'], '5');
  assert.ok(!response.text.includes(patient.id));
});

test('whether the caller may ask comes before all that is wrong with a request', async () => {
  const requests = [
    { path: '/Observation', method: 'POST' as const, body: '{' },
    { path: '/Observation?nonsense=1' },
    { path: '/Nothing' },
    { path: '/Observation/1', method: 'PATCH' as const },
    { path: '/Observation', headers: { accept: 'text/html' } },
    { path: `/Observation/${observation.id}`, method: 'PUT' as const, body: {} },
  ];
  for (const { path, ...options } of requests) {
    assert.equal((await world.fhir(organisation, 'a-dead-token', path, options)).code, 'token-invalid', path);
    assert.equal((await world.fhir(organisation, null, path, options)).code, 'token-missing', path);
  }
});

test('a refused caller is told how to authenticate (RFC 6750)', async () => {
  const path = `/Observation/${observation.id}`;
  const missing = await world.fhir(organisation, null, path);
  assert.equal(missing.headers['www-authenticate'], 'Bearer realm="FHIR"');
  const dead = await world.fhir(organisation, 'a-dead-token', path);
  assert.equal(dead.headers['www-authenticate'], 'Bearer realm="FHIR", error="invalid_token"');
  const { token: narrow } = await world.access(organisation, { scopes: ['system/Patient.rs'] });
  const short = await world.fhir(organisation, narrow, path);
  assert.equal(short.status, 403);
  assert.equal(
    short.headers['www-authenticate'],
    'Bearer realm="FHIR", error="insufficient_scope", scope="system/Observation.r"',
  );
});

test('a token in the address is not taken', async () => {
  const url = `/organisations/${organisation.id}/fhir/R4/Observation/${observation.id}?access_token=${token}`;
  for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
    const response = await world.app.inject({ url, headers });
    assert.equal(response.statusCode, 401);
  }
});

test('without the scope there is no difference between what exists and what does not', async () => {
  const { token: narrow } = await world.access(organisation, { scopes: ['system/Patient.rs'] });
  const body = { ...observationOf(patient), id: observation.id };
  for (const options of [{}, { method: 'PUT' as const, body }, { method: 'DELETE' as const }]) {
    const there = await world.fhir(organisation, narrow, `/Observation/${observation.id}`, options);
    const nowhere = await world.fhir(organisation, narrow, `/Observation/${patient.id}`, {
      ...options,
      ...(options.body && { body: { ...body, id: patient.id } }),
    });
    assert.equal(there.code, 'scope-insufficient');
    assert.equal(withoutReference(there.text), withoutReference(nowhere.text));
  }
});

test('each way in which a connection does not stand has its own code', async () => {
  const path = `/Observation/${observation.id}`;
  const expectations = [
    { status: 'suspended', code: 'connection-suspended' },
    { status: 'revoked', code: 'connection-revoked' },
    { status: 'expired', code: 'connection-expired' },
    { status: 'active', expiresAt: new Date(Date.now() - 1000), code: 'connection-expired' },
  ] as const;
  for (const { code, ...options } of expectations) {
    const system = await world.system();
    const connection = await world.connection(organisation, system, options);
    const response = await world.fhir(organisation, await world.token(system), path);
    assert.equal(response.code, code);
    assert.equal(response.status, 403);
    assert.equal(world.audit.at(-1)?.connectionId, connection.id);
  }
});

test('a token of a suspended system, an expired one and one for another organisation are refused', async () => {
  const path = `/Observation/${observation.id}`;
  const suspended = await world.system(undefined, { standing: 'suspended' });
  await world.connection(organisation, suspended);
  assert.equal((await world.fhir(organisation, await world.token(suspended), path)).code, 'system-not-live');

  const { system } = await world.access(organisation);
  const expired = await world.token(system, { lifetimeSeconds: 0 });
  assert.equal((await world.fhir(organisation, expired, path)).code, 'token-invalid');

  const bound = await world.token(system, { organisation: await world.organisation() });
  assert.equal((await world.fhir(organisation, bound, path)).code, 'organisation-mismatch');
});

test('the very next call after a revoke is refused with the reason', async () => {
  const { connection, token: live } = await world.access(organisation);
  const path = `/Observation/${observation.id}`;
  assert.equal((await world.fhir(organisation, live, path)).status, 200);
  await world.revoke(connection);
  assert.equal((await world.fhir(organisation, live, path)).code, 'connection-revoked');
});

test('HEAD says what GET would, and nothing more', async () => {
  const response = await world.fhir(organisation, token, `/Observation/${observation.id}`, {
    method: 'HEAD',
  });
  assert.equal(response.status, 200);
  assert.equal(response.text, '');
  assert.equal(response.headers.etag, 'W/"1"');
});

test('405 lists what is allowed', async () => {
  const patch = await world.fhir(organisation, token, `/Observation/${observation.id}`, { method: 'PATCH' });
  assert.equal(patch.headers.allow, 'GET, HEAD, PUT, DELETE');
  const type = await world.fhir(organisation, token, '/Observation', { method: 'DELETE' });
  assert.equal(type.headers.allow, 'GET, HEAD, POST, PUT');
});

test('answers are FHIR JSON that no cache keeps', async () => {
  const { headers } = await world.fhir(organisation, token, `/Observation/${observation.id}`);
  assert.equal(headers['content-type'], 'application/fhir+json; charset=utf-8');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('the CapabilityStatement needs no token and tells no organisation from none', async () => {
  const { status, json } = await world.fhir(organisation, null, '/metadata');
  assert.equal(status, 200);
  assert.equal(json.fhirVersion, '4.0.1');
  const nobody = await world.fhir({ id: 'no-such-organisation' }, null, '/metadata');
  const own = JSON.stringify(json).replaceAll(organisation.id, 'no-such-organisation');
  assert.equal(nobody.text, own);
});

test('the CapabilityStatement lists every interaction and parameter that works, and none that does not', async () => {
  const { json } = await world.fhir(organisation, null, '/metadata');
  const [rest] = json.rest;
  assert.equal(rest.resource.length, world.definitions.resourceTypes.size);
  assert.equal(rest.security.service[0].coding[0].code, 'SMART-on-FHIR');
  const type = rest.resource.find((one: { type: string }) => one.type === 'Observation');
  assert.equal(type.updateCreate, false);
  const values: Record<string, string> = {
    token: 'a|b',
    reference: 'Patient/1',
    date: '2020',
    string: 'abc',
    number: '5',
    quantity: '5',
    uri: 'https://example.org',
  };
  for (const { name, type: kind } of type.searchParam) {
    const response = await world.fhir(
      organisation,
      token,
      `/Observation?${name}=${encodeURIComponent(values[kind]!)}`,
    );
    assert.equal(response.status, 200, `${name}: ${response.text}`);
  }
});

const withoutReference = (text: string) => text.replace(/Reference [0-9a-f]+/, 'Reference');
