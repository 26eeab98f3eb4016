import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE_URL, basic, oauthFixture } from './fixture.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
let organisation: Awaited<ReturnType<typeof f.addOrganisation>>;
before(async () => {
  f = await oauthFixture();
  organisation = await f.addOrganisation('ZX1');
});
after(() => f.stop());

for (const [what, asked, registered, granted] of [
  ['all of it', 'system/Patient.rs', ['system/Patient.rs'], 'system/Patient.rs'],
  ['less than it may', 'system/Patient.r', ['system/Patient.rs'], 'system/Patient.r'],
  ['more than it may', 'system/*.cruds', ['system/Patient.rs'], 'system/Patient.rs'],
  [
    'some that it may and some not',
    'system/Patient.cru system/Task.rs',
    ['system/*.rs'],
    'system/Patient.r system/Task.rs',
  ],
  ['in the words of SMART 1', 'system/Patient.read', ['system/Patient.rs'], 'system/Patient.rs'],
  [
    'an operation',
    'system/Patient.$status-query',
    ['system/Patient.$status-query'],
    'system/Patient.$status-query',
  ],
  [
    'a condition beside a scope',
    'system/Task.rs?status=x system/Task.r',
    ['system/Task.rs'],
    'system/Task.r',
  ],
] as const) {
  test(`a system that asks for ${what} is told exactly what it got`, async () => {
    const { json } = await f.token(await f.addSystem({ scopes: [...registered] }), { scope: asked });
    assert.equal(json.scope, granted);
  });
}

for (const [what, scope] of [
  ['nothing', ''],
  ['what it is not registered for', 'system/Observation.rs'],
  ['a condition only', 'system/Patient.rs?gender=female'],
  ['an operation by a wildcard', 'system/*.$status-query'],
  ["a patient's context", 'patient/Patient.rs launch/patient openid'],
  ['characters that no scope has', 'system/Patient.rs "'],
]) {
  test(`a system that asks for ${what} is given no token`, async () => {
    const system = await f.addSystem();
    const { status, json } = await f.token(system, { scope: scope! });
    assert.equal(status, 400);
    assert.equal(json.error, 'invalid_scope');
    const { rows } = await f.owner.query('select from access_token where client_id = $1', [system.clientId]);
    assert.equal(rows.length, 0);
  });
}

test('a scope parameter left out is not everything', async () => {
  const { clientId, secret } = await f.addSystem();
  const headers = { authorization: basic(clientId, secret) };
  const { status, json } = await f.send('/oauth/token', 'grant_type=client_credentials', { headers });
  assert.equal(status, 400);
  assert.equal(json.error, 'invalid_scope');
  assert.match(json.error_description, /ask for the scopes/);
});

test('a registration that is narrowed narrows the next token', async () => {
  const system = await f.addSystem({ scopes: ['system/*.cruds'] });
  await f.owner.query(`update system set scopes = '{system/Patient.r}' where client_id = $1`, [
    system.clientId,
  ]);
  assert.equal((await f.token(system, { scope: 'system/*.cruds' })).json.scope, 'system/Patient.r');
});

test("an organisation's FHIR base as resource binds the token to that organisation", async () => {
  const byOds = `${BASE_URL}/organisations/ZX1/fhir/R4`;
  for (const resource of [
    organisation.fhirBase,
    `${organisation.fhirBase}/`,
    byOds,
    byOds.replace('ZX1', 'zx1'),
  ]) {
    const system = await f.addSystem();
    const { status, json } = await f.token(system, { resource });
    assert.equal(status, 200, resource);
    const { rows } = await f.owner.query('select organisation_id from access_token where client_id = $1', [
      system.clientId,
    ]);
    assert.equal(rows[0].organisation_id, organisation.id);
    const { json: told } = await f.send(
      '/oauth/introspect',
      { token: json.access_token },
      {
        headers: { authorization: basic(system.clientId, system.secret) },
      },
    );
    assert.equal(told.aud, organisation.fhirBase);
  }
});

for (const [what, resource] of [
  ['an organisation that is not here', `${BASE_URL}/organisations/ZX9/fhir/R4`],
  [
    'an id that no organisation has',
    `${BASE_URL}/organisations/00000000-0000-8000-8000-000000000000/fhir/R4`,
  ],
  ['another service', 'https://elsewhere.example.org/organisations/ZX1/fhir/R4'],
  ['this service without an organisation', `${BASE_URL}/fhir/R4`],
  ['a part of a FHIR base', `${BASE_URL}/organisations/ZX1/fhir/R4/Patient`],
  ['a query', `${BASE_URL}/organisations/ZX1/fhir/R4?x=1`],
  ['a fragment', `${BASE_URL}/organisations/ZX1/fhir/R4#x`],
  ['two slashes at the end', `${BASE_URL}/organisations/ZX1/fhir/R4//`],
  ['a wildcard', `${BASE_URL}/organisations/%/fhir/R4`],
  ['no URL', 'ZX1'],
]) {
  test(`${what} as resource is invalid_target`, async () => {
    const system = await f.addSystem();
    const { status, json } = await f.token(system, { resource: resource! });
    assert.equal(status, 400);
    assert.equal(json.error, 'invalid_target');
    const { rows } = await f.owner.query('select from access_token where client_id = $1', [system.clientId]);
    assert.equal(rows.length, 0);
  });
}

test('two resources are invalid_target, even the same one twice', async () => {
  const { clientId, secret } = await f.addSystem();
  const once = `resource=${encodeURIComponent(organisation.fhirBase)}`;
  const body = `grant_type=client_credentials&scope=system/Patient.rs&${once}&${once}`;
  const { status, json } = await f.send('/oauth/token', body, {
    headers: { authorization: basic(clientId, secret) },
  });
  assert.equal(status, 400);
  assert.equal(json.error, 'invalid_target');
});

test('a token is had whether or not any organisation has granted anything', async () => {
  const { rows } = await f.owner.query('select from connection');
  assert.equal(rows.length, 0);
  assert.equal((await f.token(await f.addSystem())).status, 200);
});
