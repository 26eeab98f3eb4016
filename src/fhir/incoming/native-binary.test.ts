import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createWorld, type World } from '../../../test/support/world.ts';

const PDF = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(3 * 1024 * 1024, 0xa7)]);

describe('a file sent as it is', () => {
  let world: World;
  let here: Awaited<ReturnType<World['organisation']>>;
  let there: Awaited<ReturnType<World['organisation']>>;
  let token: string;
  let patient: { id: string };
  before(async () => {
    world = await createWorld();
    here = await world.organisation();
    there = await world.organisation();
    ({ token } = await world.access(here));
    patient = await world.patient(here);
  });
  after(() => world.stop());

  const upload = (bytes: Buffer, headers: Record<string, string>, path = '/Binary', method = 'POST') =>
    world.fhir(here, token, path, {
      method: method as 'POST',
      body: bytes,
      headers: { 'x-security-context': `Patient/${patient.id}`, ...headers },
    });
  const fetched = (id: string, accept: string, path = '') =>
    world.app.inject({
      url: `/organisations/${here.id}/fhir/R4/Binary/${id}${path}`,
      headers: { authorization: `Bearer ${token}`, accept },
    });

  it('is kept as a Binary of the patient, larger than other resources may be, and comes back as it was', async () => {
    const made = await upload(PDF, { 'content-type': 'application/pdf' });
    assert.equal(made.status, 201);
    assert.equal(made.json.contentType, 'application/pdf');
    assert.equal(made.json.securityContext.reference, `Patient/${patient.id}`);
    assert.equal(world.audit.at(-1)!.patients?.[0], patient.id);

    const content = await fetched(made.json.id, 'application/pdf');
    assert.equal(content.statusCode, 200);
    assert.ok(content.rawPayload.equals(PDF));
    assert.equal(content.headers['content-type'], 'application/pdf');
    assert.equal(content.headers['x-security-context'], `Patient/${patient.id}`);
    assert.equal(content.headers['content-disposition'], 'attachment');
    assert.equal(content.headers.etag, 'W/"1"');
    assert.equal(world.audit.at(-1)!.bytes, PDF.length);
    assert.ok(
      (await fetched(made.json.id, 'application/*, image/png', '/_history/1')).rawPayload.equals(PDF),
    );
  });

  it('is the resource to whoever asks for that, or for nothing in particular', async () => {
    const { json } = await upload(PDF, { 'content-type': 'application/pdf' });
    for (const accept of ['application/fhir+json', '*/*', 'application/pdf, application/fhir+json']) {
      assert.equal((await fetched(json.id, accept)).json().resourceType, 'Binary', accept);
    }
    assert.equal((await fetched(json.id, 'application/pdf', '?_format=json')).json().resourceType, 'Binary');
  });

  it('is not given as what it is not', async () => {
    const { json } = await upload(PDF, { 'content-type': 'application/pdf' });
    const refused = await fetched(json.id, 'image/png');
    assert.equal(refused.statusCode, 406);
    assert.equal(refused.json().issue[0].details.coding[0].code, 'format-not-acceptable');
  });

  it('is looked at like any attachment', async () => {
    const script = Buffer.from('MZ\u0000\u0001 not a picture');
    assert.equal((await upload(script, { 'content-type': 'image/png' })).code, 'attachment-refused');
    assert.equal((await upload(script, { 'content-type': 'application/zip' })).code, 'attachment-refused');
    assert.equal(
      (await upload(Buffer.alloc(0), { 'content-type': 'application/pdf' })).code,
      'body-malformed',
    );
  });

  it('may be as large as an attachment and no larger', async () => {
    const large = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(10 * 1024 * 1024)]);
    const size = (bytes: number) => upload(large.subarray(0, bytes), { 'content-type': 'application/pdf' });
    assert.equal((await size(10 * 1024 * 1024)).status, 201);
    assert.equal((await size(10 * 1024 * 1024 + 1)).code, 'attachment-refused');
    const beyond = await upload(Buffer.alloc(14 * 1024 * 1024 + 1), { 'content-type': 'application/pdf' });
    assert.equal(beyond.code, 'body-too-large');
  });

  it('can be replaced, by its own id alone', async () => {
    const { json } = await upload(PDF, { 'content-type': 'application/pdf' });
    const text = await upload(
      Buffer.from('Dear patient'),
      { 'content-type': 'text/plain; charset=utf-8' },
      `/Binary/${json.id}`,
      'PUT',
    );
    assert.equal(text.status, 200);
    assert.equal((await fetched(json.id, 'text/plain')).body, 'Dear patient');
  });

  it('is no way to send FHIR in a format that is not spoken here', async () => {
    for (const type of ['application/fhir+xml', 'application/xml', 'text/turtle']) {
      assert.equal(
        (await upload(Buffer.from('<Binary/>'), { 'content-type': type })).code,
        'format-not-supported',
      );
    }
  });

  it('is refused for a patient of another organisation as for one who does not exist', async () => {
    const other = await world.patient(there);
    const answers = await Promise.all(
      [other.id, '00000000-0000-8000-8000-000000000001'].map((id) =>
        upload(PDF, { 'content-type': 'application/pdf', 'x-security-context': `Patient/${id}` }),
      ),
    );
    assert.deepEqual(
      answers.map(({ status, code }) => [status, code]),
      [
        [422, 'patient-unknown'],
        [422, 'patient-unknown'],
      ],
    );
  });

  it('is shown to nobody whom the decision does not let read it', async () => {
    const { json } = await upload(PDF, { 'content-type': 'application/pdf' });
    const elsewhere = await world.access(there);
    for (const [organisation, bearer, status] of [
      [there, elsewhere.token, 404],
      [here, elsewhere.token, 403],
    ] as const) {
      const refused = await world.fhir(organisation, bearer, `/Binary/${json.id}`, {
        headers: { accept: 'application/pdf' },
      });
      assert.equal(refused.status, status);
    }
  });
});
