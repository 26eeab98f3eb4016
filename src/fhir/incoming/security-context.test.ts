import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createWorld, observationOf, type World } from '../../../test/support/world.ts';
import { PRIVACY_LABEL_SYSTEM } from '../store/labels.ts';

const PDF = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(100, 0xa7)]);

describe('a file for a letter', () => {
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
    patient = await world.patient(here);
    await world.register(patient, there, { shares: 1 });
  });
  after(() => world.stop());

  const letterOf = (of: { id: string } | null, label?: string) => ({
    resourceType: 'DocumentReference',
    status: 'current',
    ...(of && { subject: { reference: `Patient/${of.id}` } }),
    ...(label && { meta: { security: [{ system: PRIVACY_LABEL_SYSTEM, code: label }] } }),
    content: [{ attachment: { title: 'To come' } }],
  });
  const post = (path: string, body: object, as = token) =>
    world.fhir(here, as, path, { method: 'POST', body });
  const upload = (reference: string, as = token, path = '/Binary') =>
    world.fhir(here, as, path, {
      method: path === '/Binary' ? 'POST' : 'PUT',
      body: PDF,
      headers: { 'content-type': 'application/pdf', 'x-security-context': reference },
    });
  const stored = async (id: string) =>
    (await world.db.database.owner.query('select patient_id, label from resource where id = $1', [id]))
      .rows[0];
  const labelOf = ({ json }: Awaited<ReturnType<typeof post>>) =>
    json.meta.security.find(({ system }: { system: string }) => system === PRIVACY_LABEL_SYSTEM).code;

  it('belongs to the letter’s patient and is under its label, so the letter can name it and no others see it', async () => {
    const { json: letter } = await post('/DocumentReference', letterOf(patient, 'MENTAL_HEALTH'));
    for (const reference of [
      `DocumentReference/${letter.id}`,
      `https://records.example/fhir/R4/DocumentReference/${letter.id}/_history/1`,
    ]) {
      const made = await upload(reference);
      assert.equal(made.status, 201, made.text);
      assert.deepEqual(await stored(made.json.id), { patient_id: patient.id, label: 1 });
      assert.equal(labelOf(made), 'MENTAL_HEALTH');
      assert.deepEqual(world.audit.at(-1)!.patients, [patient.id]);
      const elsewhere = await world.access(there);
      assert.equal((await world.fhir(there, elsewhere.token, `/Binary/${made.json.id}`)).status, 404);
      const content = [{ attachment: { contentType: 'application/pdf', url: `Binary/${made.json.id}` } }];
      const named = await world.fhir(here, token, `/DocumentReference/${letter.id}`, {
        method: 'PUT',
        body: { ...letterOf(patient, 'MENTAL_HEALTH'), id: letter.id, content },
      });
      assert.equal(named.status, 200, named.text);
    }
  });

  it('has a label of its own where it is sent with one, and is looked at as the patient’s', async () => {
    const { json: letter } = await post('/DocumentReference', letterOf(patient, 'MENTAL_HEALTH'));
    const binary = (data: string) => ({
      resourceType: 'Binary',
      meta: { security: [{ system: PRIVACY_LABEL_SYSTEM, code: 'SOCIAL_CARE' }] },
      contentType: 'text/plain',
      securityContext: { reference: `DocumentReference/${letter.id}` },
      data,
    });
    assert.equal(labelOf(await post('/Binary', binary('aGVsbG8='))), 'SOCIAL_CARE');
    assert.equal((await post('/Binary', binary('AAEC'))).code, 'attachment-refused');
  });

  it('stays whose it is when it is sent again, also when the letter is gone', async () => {
    const { json: letter } = await post('/DocumentReference', letterOf(patient));
    const other = await post('/DocumentReference', letterOf(await world.patient(here)));
    const reference = `DocumentReference/${letter.id}`;
    const { json: file } = await upload(reference);
    const path = `/Binary/${file.id}`;
    assert.equal((await upload(reference, token, path)).status, 200);
    assert.equal((await upload(`DocumentReference/${other.json.id}`, token, path)).code, 'patient-fixed');
    await world.fhir(here, token, `/DocumentReference/${letter.id}`, { method: 'DELETE' });
    assert.equal((await upload(reference, token, path)).status, 200);
    const plain = { resourceType: 'Binary', contentType: 'application/pdf', data: PDF.toString('base64') };
    const nobodys = await world.stored(here, plain);
    const again = await upload(`DocumentReference/${other.json.id}`, token, `/Binary/${nobodys.id}`);
    assert.equal(again.status, 200, 'what was kept as nobody’s can still be sent again');
    assert.equal((await stored(nobodys.id)).patient_id, null);
  });

  it('is the organisation’s own where the letter is not, is nobody’s, or is hidden: nothing is learnt', async () => {
    const shared = await world.stored(there, letterOf(patient), { patientId: patient.id });
    const hidden = await world.stored(here, letterOf(patient), {
      patientId: patient.id,
      label: 'SEXUAL_HEALTH',
    });
    const { json: nobodys } = await post('/DocumentReference', letterOf(null));
    const narrow = await world.access(here, { labels: 1 });
    const none = '00000000-0000-8000-8000-000000000001';
    for (const [id, as] of [
      [shared.id, token],
      [hidden.id, narrow.token],
      [nobodys.id, token],
      [none, token],
    ] as const) {
      const made = await upload(`DocumentReference/${id}`, as);
      assert.equal(made.status, 201);
      assert.deepEqual(await stored(made.json.id), { patient_id: null, label: 0 });
      assert.equal(made.json.id.slice(0, 8), here.id.slice(0, 8));
    }
  });

  it('may come in one transaction with the letter, each naming the other by any of our addresses', async () => {
    const base = `https://records.example/organisations/${here.id}/fhir/R4`;
    const absolute = { reference: `${base}/Patient/${patient.id}` };
    const entry = (fullUrl: string, resource: { resourceType: string }) => ({
      fullUrl,
      resource,
      request: { method: 'POST', url: resource.resourceType },
    });
    const file = {
      resourceType: 'Binary',
      contentType: 'application/pdf',
      data: PDF.toString('base64'),
      securityContext: { reference: 'urn:uuid:letter' },
    };
    const letter = {
      ...letterOf(patient, 'MENTAL_HEALTH'),
      subject: absolute,
      content: [{ attachment: { url: 'urn:uuid:file' } }],
    };
    const done = await post('', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        entry('urn:uuid:file', file),
        entry('urn:uuid:letter', letter),
        entry('urn:uuid:value', { ...observationOf(patient), subject: absolute } as never),
      ],
    });
    assert.equal(done.status, 200, done.text);
    const [made, document, value] = done.json.entry.map(({ resource }: { resource: unknown }) => resource);
    assert.equal(made.securityContext.reference, `DocumentReference/${document.id}`);
    assert.equal(document.content[0].attachment.url, `Binary/${made.id}`);
    assert.equal(value.subject.reference, `Patient/${patient.id}`);
    assert.deepEqual(await stored(made.id), { patient_id: patient.id, label: 1 });
  });

  it('that was refused is kept under the letter’s id, by which its patient finds the attempt', async () => {
    const { json: letter } = await post('/DocumentReference', letterOf(patient));
    const { token: reader } = await world.access(here, { scopes: ['system/Binary.r'] });
    const reference = `DocumentReference/${letter.id}`;
    const json = { resourceType: 'Binary', contentType: 'text/plain', securityContext: { reference } };
    for (const refused of [await upload(reference, reader), await post('/Binary', json, reader)]) {
      assert.equal(refused.code, 'scope-insufficient');
      const { named, patients } = world.audit.at(-1)!;
      assert.deepEqual([named, patients], [[letter.id], []]);
    }
  });
});
