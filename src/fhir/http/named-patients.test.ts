import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createWorld, observationOf, type World } from '../../../test/support/world.ts';
import { hashNumbers, hashPersonal } from '../../audit/audit.ts';
import { newRootId } from '../../ids.ts';
import { permissionsOf } from '../../oauth/scopes.ts';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const KNOWN = '9434765919';
const UNKNOWN = '9434765870';

describe('whom a request names, for the patient to see', () => {
  let world: World;
  let here: Awaited<ReturnType<World['organisation']>>;
  let there: typeof here;
  let token: string;
  let patient: { id: string };
  before(async () => {
    world = await createWorld();
    here = await world.organisation();
    there = await world.organisation();
    ({ token } = await world.access(here));
    const identifier = [{ system: NHS, value: KNOWN }];
    const body = { resourceType: 'Patient', birthDate: '1980-02-03', identifier };
    const made = await world.fhir(there, (await world.access(there)).token, '/Patient', {
      method: 'POST',
      body,
    });
    patient = { id: made.json.id };
  });
  after(() => world?.stop());
  beforeEach(() => void world.audit.splice(0));

  const hashed = (number: string) => hashNumbers(world.context.secrets, [number])[0]!;
  const ask = (path: string, options: object = {}, by: string | null = token) =>
    world.fhir(here, by, path, options);
  const entry = () => {
    const { named = null, patients = null, outcome } = world.audit.at(-1)!;
    return { named, patients, outcome };
  };
  const narrow = async () => (await world.access(here, { scopes: ['system/Location.r'] })).token;

  it('is kept of a search by number that was refused, whatever the parameter', async () => {
    const by = await narrow();
    for (const query of [
      `Patient?identifier=${NHS}|${KNOWN}`,
      `Patient?identifier=${KNOWN}`,
      `Observation?patient.identifier=${NHS}|${KNOWN}`,
      `Observation?subject:identifier=${encodeURIComponent(`${NHS}|${KNOWN}`)}`,
      `Patient/${KNOWN}`,
      'Patient?identifier=943%20476%205919',
    ]) {
      await ask(`/${query}`, {}, by);
      assert.deepEqual(
        entry(),
        { named: [hashed(KNOWN)], patients: [], outcome: 'scope-insufficient' },
        query,
      );
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    await ask('/Patient/_search', { method: 'POST', body: `identifier=${KNOWN}`, headers: form }, by);
    assert.deepEqual(entry().named, [hashed(KNOWN)]);
  });

  it('is the same for a number that nobody has: nobody is looked up', async () => {
    const asked = [];
    for (const number of [KNOWN, UNKNOWN]) {
      const { status, json } = await ask(`/Patient?identifier=${NHS}|${number}`);
      assert.equal(json.entry, undefined);
      const { named, ...rest } = entry();
      assert.deepEqual(named, [hashed(number)]);
      asked.push({ status, ...rest });
    }
    assert.deepEqual(asked[0], asked[1]);
  });

  it('is kept of a write that was refused, whose patient stands in its body alone', async () => {
    const by = await narrow();
    const person = { resourceType: 'Patient', identifier: [{ value: KNOWN, system: NHS }] };
    const about = { ...observationOf(patient), subject: { identifier: { system: NHS, value: UNKNOWN } } };
    const wanted: [object | string, string[]][] = [
      [person, [hashed(KNOWN)]],
      [about, [hashed(UNKNOWN)]],
      [observationOf(patient), [patient.id]],
      ['{"identifier":[{"v\\u0061lue" : "943476591\\u0039"', [hashed(KNOWN)]],
      [`{"reference":"https:\\/\\/records.example\\/Patient\\/${patient.id.toUpperCase()}"}`, [patient.id]],
    ];
    for (const [body, named] of wanted) {
      await ask('/Observation', { method: 'POST', body }, by);
      assert.deepEqual(entry().named, named, JSON.stringify(body));
    }
    // A number in a text, of nobody's kind, or with a wrong check digit names nobody.
    const text = {
      ...about,
      subject: undefined,
      note: [{ text: KNOWN }],
      identifier: [{ value: '9434765918' }],
    };
    await ask('/Observation', { method: 'POST', body: text }, by);
    assert.deepEqual(entry().named, []);
  });

  it('is kept of each entry of a batch, and of a transaction that was refused', async () => {
    const by = await narrow();
    const url = `Patient?identifier=${KNOWN}`;
    const bundle = (type: string) => ({
      resourceType: 'Bundle',
      type,
      entry: [{ request: { method: 'GET', url } }, { resource: observationOf(patient), request: POST }],
    });
    await ask('/', { method: 'POST', body: bundle('batch') }, by);
    assert.deepEqual(
      world.audit.map(({ named }) => named),
      [[], [hashed(KNOWN)], [patient.id]],
    );
    await ask('/', { method: 'POST', body: bundle('transaction') }, by);
    assert.deepEqual(entry().named, [patient.id]);
  });

  it('is kept of every entry of a transaction that was undone, whatever undid it, and of none twice', async () => {
    const own = await world.patient(here);
    const value = await world.observation(here, own);
    const entries = [
      { request: { method: 'DELETE', url: `Observation/${value.id}` } },
      { resource: observationOf(own), request: POST },
      { resource: { resourceType: 'Location' }, request: { method: 'POST', url: 'Location' } },
      { request: { method: 'GET', url: `Observation?patient=${own.id}` } },
      { request: { method: 'GET', url: `Patient?identifier=${NHS}|${KNOWN}` } },
      { request: { method: 'GET', url: 'Observation/none' } },
    ];
    const sent = { method: 'POST', body: { resourceType: 'Bundle', type: 'transaction', entry: entries } };
    assert.equal((await ask('/', sent)).code, 'not-found');
    const [whole, ...each] = world.audit.splice(0);
    assert.deepEqual([whole!.interaction, whole!.named, whole!.patients], ['transaction', [], []]);
    assert.deepEqual(
      each.map(({ interaction, resourceId, patients, named }) => [interaction, resourceId, patients, named]),
      [
        ['delete', value.id, [], []],
        ['create', null, [], [own.id]],
        ['create', null, [], []],
        ['search-type', null, [own.id], []],
        ['search-type', null, [], [hashed(KNOWN)]],
        ['read', hashPersonal(world.context.secrets, 'none'), [], []],
      ],
    );
    for (const one of each) {
      assert.deepEqual([one.outcome, one.bytes, one.clientId], ['not-found', 0, whole!.clientId]);
    }
    assert.match(each[0]!.detail!, /^entry 1; Entry 6: /);
    assert.equal((await ask(`/Observation/${value.id}`)).status, 200);
  });

  it('is kept of a Bundle whose sender’s access has ended, and of one that could not be taken apart', async () => {
    const ended = await world.access(here);
    await world.revoke(ended.connection);
    const entries = [
      { request: { method: 'GET', url: `https://records.example/fhir/R4/Patient/${patient.id}` } },
      {
        request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=${NHS}|${KNOWN}` },
        resource: {},
      },
    ];
    const post = (by: string | null, more: object = {}) =>
      ask(
        '/',
        { method: 'POST', body: { resourceType: 'Bundle', type: 'transaction', entry: entries, ...more } },
        by,
      );
    assert.equal((await post(ended.token)).code, 'connection-revoked');
    assert.deepEqual(
      world.audit.splice(0).map(({ outcome, patients, named }) => [outcome, patients, named]),
      [
        ['connection-revoked', [], []],
        ['connection-revoked', [patient.id], []],
        ['connection-revoked', [], [hashed(KNOWN)]],
      ],
    );
    assert.equal((await post(token, { type: 'collection' })).code, 'batch-invalid');
    assert.deepEqual(entry(), { named: [patient.id, hashed(KNOWN)], patients: [], outcome: 'batch-invalid' });
    world.audit.splice(0);
    assert.equal((await post('A'.repeat(43))).code, 'token-invalid');
    assert.deepEqual(
      world.audit.map(({ named, patients }) => [named, patients]),
      [[[], []]],
    );
  });

  it('is kept of a file for a patient that was refused, whatever refused it', async () => {
    const by = await narrow();
    const pdf = (bytes: number) => Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(bytes)]);
    const put = (body: Buffer, path: string, as: string, reference = `Patient/${patient.id}`) =>
      ask(
        path,
        {
          method: path === '/Binary' ? 'POST' : 'PUT',
          body,
          headers: { 'content-type': 'application/pdf', 'x-security-context': reference },
        },
        as,
      );
    const own = await world.patient(here);
    const binary = {
      resourceType: 'Binary',
      contentType: 'application/pdf',
      data: pdf(99).toString('base64'),
    };
    const file = await world.stored(here, binary, { patientId: own.id });
    const absolute = `https://records.example/fhir/R4/Patient/${patient.id}/_history/1`;
    for (const [answer, code] of [
      [await put(pdf(99), '/Binary', by), 'scope-insufficient'],
      [await put(pdf(99), '/Binary', token, absolute), 'patient-unknown'],
      [await put(pdf(14 * 1024 * 1024), '/Binary', token), 'body-too-large'],
      [await put(pdf(99), `/Binary/${file.id}`, by), 'scope-insufficient'],
    ] as const) {
      assert.equal(answer.code, code);
    }
    assert.deepEqual(
      world.audit
        .splice(0)
        .map(({ patients, resourceType, resourceId }) => [patients, resourceType, resourceId]),
      [
        [[patient.id], 'Binary', null],
        [[patient.id], 'Binary', null],
        [[patient.id], 'Binary', null],
        [[patient.id], 'Binary', file.id],
      ],
    );
    await put(pdf(14 * 1024 * 1024), `/Binary/${file.id}`, token);
    const download = (as: string, accept: string, path = '') =>
      ask(`/Binary/${file.id}${path}`, { headers: { accept } }, as);
    await download(by, 'application/pdf');
    await download(by, 'application/pdf', '/_history/1');
    await download(token, 'image/png');
    assert.deepEqual(
      world.audit.map(({ outcome, interaction, resourceId }) => [outcome, interaction, resourceId]),
      [
        ['body-too-large', 'update', file.id],
        ['scope-insufficient', 'read', file.id],
        ['scope-insufficient', 'vread', file.id],
        ['format-not-acceptable', 'read', file.id],
      ],
    );
    const text = Buffer.from(`"reference":"Patient/${patient.id}"`);
    await put(text, '/Binary', by, 'Patient/none');
    assert.deepEqual(entry(), { named: [], patients: [], outcome: 'scope-insufficient' });
  });

  it('is kept of a search that was let through and found nothing of the patient', async () => {
    const stranger = newRootId();
    await ask(`/Observation?patient=${patient.id},${stranger}`);
    assert.deepEqual(entry(), { named: [patient.id, stranger], patients: [], outcome: 'allowed' });
    await world.register(patient, here, { shares: 15 });
    await ask(`/Observation?patient=${patient.id}&_summary=count`);
    assert.deepEqual(entry().named, [patient.id]);
    await ask(`/Patient?identifier=${NHS}|${KNOWN}`);
    assert.deepEqual(entry(), { named: [], patients: [patient.id], outcome: 'allowed' });
    await ask(`/Patient?identifier=${NHS}|${KNOWN},${NHS}|${UNKNOWN}`);
    assert.deepEqual(entry().named, [hashed(KNOWN), hashed(UNKNOWN)], 'whose they are is not known');
    await world.db.database.owner.query('delete from registration where organisation_id = $1', [here.id]);
  });

  it('is kept of the numbers of a list that are nobody’s here, and of a whole list that was refused', async () => {
    const valueIdentifier = (value: string) => ({ system: NHS, value });
    const body = {
      resourceType: 'Parameters',
      parameter: [KNOWN, UNKNOWN, '123'].map((value) => ({
        name: 'patientIdentifier',
        valueIdentifier: valueIdentifier(value),
      })),
    };
    const post = { method: 'POST', body };
    const scopes = ['system/Patient.$status-query', 'system/Patient.$register'];
    const access = await world.access(here, { scopes });
    for (const permissions of [permissionsOf(scopes), permissionsOf(['system/Location.r'])]) {
      await world.db.database.owner.query('update connection set permissions = $2 where id = $1', [
        access.connection.id,
        permissions,
      ]);
      await ask('/Patient/$status-query', post, access.token);
      assert.deepEqual(entry().named, [hashed(KNOWN), hashed(UNKNOWN)]);
    }
  });

  it('is kept of a row whose date of birth is not the patient’s', async () => {
    const scopes = ['system/Patient.$register', 'system/Patient.$process-message'];
    const { token: by } = await world.access(here, { scopes });
    const body = {
      resourceType: 'Patient',
      identifier: [{ system: NHS, value: KNOWN }],
      name: [{ family: 'Morgan', given: ['Nia'] }],
      gender: 'female',
      birthDate: '1981-01-01',
    };
    await ask('/Patient/$process-message', { method: 'POST', body }, by);
    assert.deepEqual([entry().outcome, entry().named], ['birth-date-mismatch', [hashed(KNOWN)]]);
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: body }] };
    await ask('/Patient/$register', { method: 'POST', body: bundle }, by);
    assert.deepEqual(entry(), { named: [hashed(KNOWN)], patients: [], outcome: 'allowed' });
  });

  it('is not kept of callers whom nobody knows: anybody could fill a patient’s list', async () => {
    for (const by of [null, 'A'.repeat(43)]) {
      await ask(`/Patient?identifier=${KNOWN}`, {}, by);
      assert.deepEqual(entry().named, []);
    }
  });
});

const POST = { method: 'POST', url: 'Observation' };
