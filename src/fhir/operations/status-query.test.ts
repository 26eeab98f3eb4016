import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CHI, entriesOf, NHS, nationalNumber, type OperationsWorld, operationsWorld } from './fixture.ts';

const STATUS = 'Patient/$status-query';

let w: OperationsWorld;

before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

const ask = async (
  ...args: Parameters<OperationsWorld['ask']> extends [string, ...infer Rest] ? Rest : never
) => {
  const answer = await w.ask(STATUS, ...args);
  assert.equal(answer.status, 200, answer.text);
  return entriesOf(answer.json, 'patientStatus');
};

test('says of each patient whether they have joined, whether they have died, and when they were born', async () => {
  const joined = await w.patient();
  const waiting = await w.patient();
  const dead = await w.patient();
  await w.sql('update patient set joined_at = now() where id = $1', joined.id);
  await w.sql('update patient set deceased = true where id = $1', dead.id);
  const identifier = (number: string) => ({ system: NHS, value: number });
  assert.deepEqual(await ask([joined.number, waiting.number, dead.number]), [
    {
      patientIdentifier: identifier(joined.number),
      registered: true,
      deceased: false,
      dateOfBirth: '1980-02-03',
      outcome: 'found',
    },
    {
      patientIdentifier: identifier(waiting.number),
      registered: false,
      deceased: false,
      dateOfBirth: '1980-02-03',
      outcome: 'found',
    },
    {
      patientIdentifier: identifier(dead.number),
      registered: false,
      deceased: true,
      dateOfBirth: '1980-02-03',
      outcome: 'found',
    },
  ]);
  const entry = w.world.audit.at(-1)!;
  assert.deepEqual([...entry.patients!].sort(), [joined.id, waiting.id, dead.id].sort());
  assert.deepEqual(
    [entry.interaction, entry.resourceType, entry.count, entry.detail, entry.outcome],
    ['$status-query', 'Patient', 3, 'found 3', 'allowed'],
  );
});

test('answers a patient of another organisation exactly like one who does not exist', async () => {
  const theirs = await w.patient(w.there);
  await w.sql('update patient set joined_at = now(), deceased = true where id = $1', theirs.id);
  const nobody = nationalNumber();
  const answer = await w.ask(STATUS, [theirs.number, nobody]);
  const [first, second] = answer.json.parameter;
  assert.deepEqual(JSON.parse(JSON.stringify(first).replaceAll(theirs.number, nobody)), second);
  assert.equal(entriesOf(answer.json, 'patientStatus')[0]!.diagnostics, 'Not found');
  assert.deepEqual(w.world.audit.at(-1)!.patients, []);
});

test('what is wrong with one identifier is the outcome of that one', async () => {
  const known = await w.patient();
  const wrongDigit = known.number.slice(0, 9) + ((Number(known.number[9]) + 1) % 10);
  const sent = [
    { system: NHS, value: wrongDigit },
    { system: 'http://hl7.org/fhir/sid/us-ssn', value: '123456789' },
    { system: NHS, value: known.number },
    { system: CHI, value: known.number },
    { system: NHS },
    { value: known.number },
    {},
    { system: NHS, value: `${known.number.slice(0, 3)} ${known.number.slice(3)}` },
  ];
  const entries = await ask(sent);
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    [
      'identifier-invalid',
      'identifier-unsupported',
      'found',
      'not-found',
      'identifier-invalid',
      'identifier-unsupported',
      'identifier-unsupported',
      'identifier-invalid',
    ],
  );
  assert.deepEqual(
    entries.slice(0, 6).map(({ patientIdentifier }) => patientIdentifier),
    sent.slice(0, 6),
  );
});

test('an identifier that is sent twice is answered twice, in the order in which it was sent', async () => {
  const [one, two] = [await w.patient(), await w.patient()];
  const entries = await ask([one.number, two.number, one.number, nationalNumber(), one.number]);
  assert.deepEqual(
    entries.map(({ outcome, patientIdentifier }) => outcome === 'found' && patientIdentifier.value),
    [one.number, two.number, one.number, false, one.number],
  );
  assert.equal(w.world.audit.at(-1)!.patients!.length, 2);
});

test('takes one to five thousand identifiers, and refuses none and more', async () => {
  const known = await w.patient();
  const many = Array.from({ length: 4999 }, nationalNumber);
  const entries = await ask([...many, known.number]);
  assert.equal(entries.length, 5000);
  assert.equal(entries.filter(({ outcome }) => outcome === 'found').length, 1);
  assert.equal(entries[4999]!.outcome, 'found');
  assert.equal((await ask([known.number])).length, 1);

  const none = await w.ask(STATUS, []);
  assert.deepEqual([none.status, none.code], [400, 'parameters-invalid']);
  assert.match(none.text, /At least one patientIdentifier is needed, and at most 5000/);
  const more = await w.ask(STATUS, [...many, known.number, known.number]);
  assert.deepEqual([more.status, more.code], [413, 'too-many']);
  assert.match(more.text, /At most 5000 patientIdentifier/);
});

test('a request that is no Parameters of the right form is refused with the place of the fault', async () => {
  const post = (body: unknown) => w.world.fhir(w.here, w.token, `/${STATUS}`, { method: 'POST', body });
  const number = { name: 'patientIdentifier', valueIdentifier: { system: NHS, value: nationalNumber() } };
  const cases: [unknown, string][] = [
    [{ resourceType: 'Patient' }, 'Parameters'],
    [{ resourceType: 'Parameters', parameter: {} }, 'Parameters'],
    [[], 'Parameters'],
    [null, 'Parameters'],
    [{ resourceType: 'Parameters', parameter: [number, null] }, 'Parameters.parameter[1]'],
    [{ resourceType: 'Parameters', parameter: [number, { name: 'other' }] }, 'Parameters.parameter[1]'],
    [
      { resourceType: 'Parameters', parameter: [{ name: 'patientIdentifier', valueString: '1' }] },
      'Parameters.parameter[0]',
    ],
    [
      {
        resourceType: 'Parameters',
        parameter: [{ name: 'patientIdentifier', valueIdentifier: { system: NHS, value: 1 } }],
      },
      'Parameters.parameter[0]',
    ],
    [
      {
        resourceType: 'Parameters',
        parameter: [{ name: 'patientIdentifier', valueIdentifier: { system: NHS, value: 'x'.repeat(501) } }],
      },
      'Parameters.parameter[0]',
    ],
    [
      {
        resourceType: 'Parameters',
        parameter: [{ name: 'patientIdentifier', valueIdentifier: { system: NHS, value: '\ud800' } }],
      },
      'Parameters.parameter[0]',
    ],
  ];
  for (const [body, where] of cases) {
    const { status, code, json } = await post(JSON.stringify(body));
    assert.deepEqual(
      [status, code, json.issue[0].expression],
      [400, 'parameters-invalid', [where]],
      JSON.stringify(body).slice(0, 200),
    );
  }
  assert.equal((await post('{')).code, 'body-malformed');
});

test('works at both kinds of base, and only by POST', async () => {
  const known = await w.patient();
  const body = JSON.stringify({
    resourceType: 'Parameters',
    parameter: [{ name: 'patientIdentifier', valueIdentifier: { system: NHS, value: known.number } }],
  });
  const headers = { authorization: `Bearer ${w.token}`, 'content-type': 'application/fhir+json' };
  for (const organisation of [w.here.id, w.here.odsCode]) {
    const answer = await w.world.app.inject({
      method: 'POST',
      url: `/fhir/R4/${STATUS}`,
      headers: { ...headers, 'x-org-public-id': organisation },
      payload: body,
    });
    assert.equal(entriesOf(answer.json(), 'patientStatus')[0]!.outcome, 'found');
  }
  const escaped = await w.world.fhir(w.here, w.token, '/Patient/%24status-query', { method: 'POST', body });
  assert.equal(escaped.status, 200);
  const got = await w.world.fhir(w.here, w.token, `/${STATUS}`);
  assert.deepEqual([got.status, got.code, got.headers.allow], [405, 'method-not-allowed', 'POST']);
  const elsewhere = await w.world.fhir(w.here, w.token, '/Observation/$status-query', {
    method: 'POST',
    body,
  });
  assert.deepEqual([elsewhere.status, elsewhere.code], [404, 'interaction-unknown']);
});

test('needs its own scope of token, connection and registration, which no wildcard gives', async () => {
  const known = await w.patient();
  const wide = ['system/*.cruds', 'system/Patient.$register'];
  const scope = 'system/Patient.$status-query';
  const system = await w.world.system([...wide, scope]);
  const narrow = await w.world.system(wide);
  await w.world.connection(w.here, system, { scopes: [...wide, scope] });
  await w.world.connection(w.here, narrow, { scopes: [...wide, scope] });
  await w.world.connection(w.there, system, { scopes: wide });
  const attempts: [string, { id: string }, number][] = [
    [await w.world.token(system, { scopes: [scope] }), w.here, 200],
    [await w.world.token(system, { scopes: wide }), w.here, 403],
    [await w.world.token(narrow, { scopes: [...wide, scope] }), w.here, 403],
    [await w.world.token(system, { scopes: [scope] }), w.there, 403],
  ];
  for (const [as, to, status] of attempts) {
    const answer = await w.ask(STATUS, [known.number], { as, to });
    assert.equal(answer.status, status);
    if (status === 403) {
      assert.equal(answer.code, 'scope-insufficient');
      assert.match(String(answer.headers['www-authenticate']), /scope="system\/Patient\.\$status-query"/);
    }
  }
});

test('whether the caller may ask comes before what is wrong with the request', async () => {
  const other = await w.world.access(w.there, { scopes: ['system/Patient.rs'] });
  const answer = await w.ask(STATUS, [], { as: other.token, to: w.there });
  assert.equal(answer.code, 'scope-insufficient');
  await w.world.revoke(other.connection);
  assert.equal((await w.ask(STATUS, [], { as: other.token, to: w.there })).code, 'connection-revoked');
});

test('a connection for some teams knows the patients of those teams alone', async () => {
  const team = await w.world.team(w.here);
  const { token: as } = await w.world.access(w.here, {
    scopes: ['system/Patient.$status-query'],
    teams: [team.id],
  });
  const [inside, outside] = [await w.patient(), await w.patient()];
  await w.world.register(inside, w.here, { teams: [team.id] });
  const entries = await ask([inside.number, outside.number], { as });
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    ['found', 'not-found'],
  );
});

test('a patient is found as soon as registered, and no longer when the identifier or registration has gone', async () => {
  const known = await w.patient(w.there);
  assert.equal((await ask([known.number]))[0]!.outcome, 'not-found');
  await w.world.register(known, w.here);
  assert.equal((await ask([known.number]))[0]!.outcome, 'found');
  await w.sql('delete from patient_identifier where patient_id = $1', known.id);
  assert.equal((await ask([known.number]))[0]!.outcome, 'not-found');
  const again = await w.patient();
  await w.sql('delete from registration where patient_id = $1', again.id);
  assert.equal((await ask([again.number]))[0]!.outcome, 'not-found');
});
