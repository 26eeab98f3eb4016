import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createWorld, labelBits, type World } from '../../test/support/world.ts';
import { rowBuilder } from './store/row.ts';
import { validateResource } from './validation/validate-resource.ts';

type Organisation = Awaited<ReturnType<World['organisation']>>;

const LABEL = 'http://fhir.patientsknowbest.com/codesystem/privacy-label';
const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code';

describe('a patient’s sharing choice', () => {
  let world: World;
  let here: Organisation;
  let there: Organisation;
  let patient: { id: string };
  let token: string;
  let theirs: string;
  before(async () => {
    world = await createWorld();
    here = await world.organisation('Harbour “North” <Trust>');
    there = await world.organisation();
    ({ token } = await world.access(here));
    theirs = (await world.access(there)).token;
  });
  after(() => world?.stop());
  beforeEach(async () => {
    patient = await world.patient(here);
    await world.register(patient, there);
  });

  const ask = (path: string, options = {}) => world.fhir(here, token, path, options);
  const consents = async (of = here, by = token) => {
    const { entry = [] } = (await world.fhir(of, by, `/Consent?patient=${patient.id}`)).json;
    // biome-ignore lint/suspicious/noExplicitAny: an answer is looked into freely.
    return (entry as { resource: any }[]).map(({ resource }) => resource);
  };

  it('is a Consent that says who may see what of what others wrote', async () => {
    await world.choose(patient, here, labelBits('GENERAL_HEALTH', 'SOCIAL_CARE'));
    const [consent, ...more] = await consents();
    assert.deepEqual(more, []);
    const organisation = {
      type: 'Organization',
      identifier: { system: ODS, value: here.odsCode },
      display: here.name,
    };
    const { id, meta, dateTime, policyRule, provision, ...rest } = consent;
    assert.match(id, new RegExp(`^${patient.id.slice(0, 8)}-`));
    assert.equal(meta.versionId, '1');
    assert.equal(dateTime, meta.lastUpdated);
    assert.equal(policyRule.coding[0].code, 'OPTIN');
    assert.match(policyRule.text, /sees nothing unless the patient shares it/);
    assert.deepEqual(rest, {
      resourceType: 'Consent',
      status: 'active',
      scope: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
      },
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'INFA' }] }],
      patient: { reference: `Patient/${patient.id}` },
      performer: [{ reference: `Patient/${patient.id}` }],
      organization: [organisation],
    });
    assert.equal(provision.type, 'permit');
    assert.deepEqual(provision.actor[0].reference, organisation);
    assert.deepEqual(provision.securityLabel, [
      { system: LABEL, code: 'GENERAL_HEALTH' },
      { system: LABEL, code: 'SOCIAL_CARE' },
    ]);
  });

  it('of nothing denies, for no label at all would stand for all of them', async () => {
    await world.choose(patient, here, 15);
    await world.choose(patient, here, 0);
    const [consent] = await consents();
    assert.equal(consent.status, 'active');
    assert.equal(consent.provision.type, 'deny');
    assert.equal(consent.provision.securityLabel, undefined);
    assert.equal(consent.policyRule.coding[0].code, 'OPTOUT');
  });

  it('has earlier choices as its history, and is the next version of one resource', async () => {
    for (const labels of [1, 2, 2, 0]) await world.choose(patient, here, labels);
    const [{ id }] = await consents();
    const read = await ask(`/Consent/${id}`);
    assert.equal(read.headers.etag, 'W/"3"');
    assert.equal((await ask(`/Consent/${id}`, { headers: { 'if-none-match': 'W/"3"' } })).status, 304);
    const { entry } = (await ask(`/Consent/${id}/_history`)).json;
    assert.deepEqual(
      entry.map(({ resource }: { resource: { provision: { securityLabel?: { code: string }[] } } }) =>
        resource.provision.securityLabel?.map(({ code }) => code),
      ),
      [undefined, ['MENTAL_HEALTH'], ['GENERAL_HEALTH']],
    );
    assert.equal((await ask(`/Consent/${id}/_history/1`)).status, 200);
  });

  it('is absent until one was made: registering writes none', async () => {
    assert.deepEqual(await consents(), []);
    const { rows } = await world.db.database.owner.query(
      `select from resource where patient_id = $1 and type <> 'Patient'`,
      [patient.id],
    );
    assert.equal(rows.length, 0);
  });

  it('about one organisation is learnt by no other, whatever the patient shares with it', async () => {
    await world.choose(patient, here, 1);
    await world.choose(patient, here, 15);
    const [{ id }] = await consents();
    await world.register(patient, there, { shares: 15 });
    const asked = (path: string, options = {}) => world.fhir(there, theirs, path, options);
    assert.deepEqual(await consents(there, theirs), []);
    for (const path of [`/Consent/${id}`, `/Consent/${id}/_history`, `/Consent/${id}/_history/1`]) {
      assert.equal((await asked(path)).code, 'not-found', path);
    }
    for (const query of [
      `patient=${patient.id}&_summary=count`,
      `actor:identifier=${here.odsCode}&_total=accurate`,
      `_id=${id}&_total=accurate`,
      '_sort=-_lastUpdated&_total=accurate',
    ]) {
      assert.equal((await asked(`/Consent?${query}`)).json.total, 0, query);
    }
    const body = { resourceType: 'Consent', id };
    assert.notEqual((await asked(`/Consent/${id}`, { method: 'PUT', body })).code, 'patient-choice');
    assert.equal((await asked(`/Consent/${id}`, { method: 'DELETE' })).code, 'not-found');
    // Another's ordinary Consent is shared as before.
    await world.stored(
      here,
      { ...OWN, patient: { reference: `Patient/${patient.id}` } },
      { patientId: patient.id },
    );
    assert.equal((await consents(there, theirs)).length, 1);
  });

  it('is seen within scope, label and teams only', async () => {
    await world.choose(patient, here, 15);
    const [{ id }] = await consents();
    const narrow = async (options: Parameters<World['access']>[1]) =>
      (await world.fhir(here, (await world.access(here, options)).token, `/Consent/${id}`)).code ?? 'seen';
    const other = await world.team(here);
    assert.deepEqual(
      [
        await narrow({ scopes: ['system/Consent.rs'] }),
        await narrow({ scopes: ['system/Observation.rs'] }),
        await narrow({ labels: labelBits('MENTAL_HEALTH') }),
        await narrow({ teams: [other.id] }),
        await narrow({ teams: [here.teamId] }),
      ],
      ['seen', 'scope-insufficient', 'not-found', 'not-found', 'seen'],
    );
  });

  it('is the patient’s alone to change', async () => {
    await world.choose(patient, here, 1);
    const [consent] = await consents();
    const changed = { ...consent, status: 'inactive' };
    const put = await ask(`/Consent/${consent.id}`, { method: 'PUT', body: changed });
    assert.deepEqual([put.status, put.code], [403, 'patient-choice']);
    const removed = await ask(`/Consent/${consent.id}`, { method: 'DELETE' });
    assert.deepEqual([removed.status, removed.code], [403, 'patient-choice']);
    assert.deepEqual(await consents(), [consent]);
  });

  it('cannot be passed off by a system: what the patient wrote says so, and nothing else can', async () => {
    await world.choose(patient, here, 1);
    const [consent] = await consents();
    const SOURCE = 'http://fhir.patientsknowbest.com/codesystem/source-patient';
    assert.deepEqual(consent.meta.security[1], { system: SOURCE, code: patient.id });
    const made = await ask('/Consent', { method: 'POST', body: { ...consent, id: undefined } });
    assert.equal(made.status, 201);
    assert.doesNotMatch(made.text, /source-patient/);
    const own = await ask(`/Consent/${made.json.id}`, { method: 'DELETE' });
    assert.equal(own.status, 204, 'their own Consents are theirs, as before');
    const bySource = `/Consent?_total=accurate&_security=http://fhir.patientsknowbest.com/codesystem/source-organization|${here.id}`;
    assert.equal((await ask(`${bySource}&patient=${patient.id}`)).json.total, 0);
  });

  it('is valid R4, and found by what the service would have indexed it by', async () => {
    for (const labels of [0b1010, 0]) {
      await world.choose(patient, here, labels);
      const [consent] = await consents();
      assert.deepEqual(validateResource(world.definitions, consent, 'Consent'), []);
      const built = rowBuilder(world.definitions)({
        resource: consent,
        id: consent.id,
        organisationId: here.id,
        patientId: patient.id,
      });
      const { rows } = await world.db.database.owner.query(
        `select array(select unnest(tokens) order by 1) as tokens, identifiers, strings, numbers, dates::text as dates,
                fhir_instant(sort_from) as "sortFrom", fhir_instant(sort_to) as "sortTo" from resource where id = $1`,
        [consent.id],
      );
      const { tokens, identifiers, strings, numbers, dates, sortFrom, sortTo } = built;
      assert.deepEqual(
        { ...rows[0], tokens: rows[0].tokens.toSorted(), dates: JSON.parse(rows[0].dates) },
        {
          tokens: tokens.toSorted(),
          identifiers,
          strings,
          numbers,
          dates: JSON.parse(dates!),
          sortFrom,
          sortTo,
        },
      );
    }
  });

  it('is told to the systems of its own organisation, and of no other', async () => {
    const { owner } = world.db.database;
    await world.register(patient, there, { shares: 15 });
    for (const [organisation, { connection }] of [
      [here, await world.access(here)],
      [there, await world.access(there)],
    ] as const) {
      await owner.query(
        `insert into subscription (route, id, organisation_id, connection_id, topic, permissions, endpoint, content,
                                   status, created_at, updated_at)
         select fhir_route($1), (left($1::text, 8) || substr(gen_random_uuid()::text, 9))::uuid, $1, $2, 'record-changed',
                '{*.r}', 'https://receiver.example', '{}', 'active', now(), now()`,
        [organisation.id, connection.id],
      );
    }
    await world.choose(patient, here, 3);
    const { rows } = await owner.query(
      `select s.organisation_id as organisation from notification n join subscription s on s.id = n.subscription_id
        where n.focus_type = 'Consent'`,
    );
    assert.deepEqual(rows, [{ organisation: here.id }]);
    await owner.query('delete from subscription');
  });

  it('is held by the second lock too: no statement of the service sees another’s, nor writes one', async () => {
    await world.choose(patient, here, 15);
    await world.register(patient, there, { shares: 15 });
    const client = await world.db.database.service.connect();
    const act = (organisation: string) =>
      client.query(
        `select set_config('app.organisation', $1, true), set_config('app.labels', '15', true), set_config('app.teams', '', true)`,
        [organisation],
      );
    const count = async (text: string) => (await client.query(text)).rowCount;
    try {
      await client.query('begin');
      await act(there.id);
      assert.equal(await count(`select from resource where type = 'Consent' and by_patient`), 0);
      await act(here.id);
      assert.equal(
        await count(`select from resource where type = 'Consent' and patient_id = '${patient.id}'`),
        1,
      );
      assert.equal(await count(`update resource set version = 9 where type = 'Consent' and by_patient`), 0);
      assert.equal(await count(`delete from resource where type = 'Consent' and by_patient`), 0);
      await assert.rejects(
        client.query(
          `insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, tokens, content,
                                 by_patient)
           values (fhir_route($1), $1, 'Consent', $1, $2, 0, 1, now(), '{}', '{}', true)`,
          [patient.id, here.id],
        ),
        /row-level security/,
      );
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});

const OWN = {
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  policyRule: { text: 'Treatment' },
};
