import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createWorld, type World } from '../../../test/support/world.ts';

describe('a letter that is sent', () => {
  let world: World;
  let here: Awaited<ReturnType<World['organisation']>>;
  let token: string;
  let patient: { id: string };
  before(async () => {
    world = await createWorld();
    here = await world.organisation();
    ({ token } = await world.access(here));
    patient = await world.patient(here);
  });
  after(() => world.stop());

  const letter = (attachment: object, more: object = {}) => ({
    resourceType: 'DocumentReference',
    status: 'current',
    subject: { reference: `Patient/${patient.id}` },
    date: '2026-11-20T09:00:00Z',
    masterIdentifier: { system: 'urn:ietf:rfc:3986', value: 'urn:uuid:5d1b5c2e-3f0f-4f10-8b0e-7b6f0ad5a001' },
    content: [{ attachment }],
    ...more,
  });
  const text = (words: string) => ({
    contentType: 'text/plain',
    data: Buffer.from(words).toString('base64'),
  });
  const send = (body: object, path = '/DocumentReference', method = 'POST') =>
    world.fhir(here, token, path, { method, body });
  const letters = async () =>
    (
      await world.db.database.owner.query(
        'select id, title, first_read_at, visible_from, replaced_by from letter where patient_id = $1 order by sent_at',
        [patient.id],
      )
    ).rows;

  it('is a letter of the patient’s from the moment it is answered, and replaces an earlier one of its number', async () => {
    const first = await send(letter(text('one'), { description: 'Clinic letter' }));
    assert.equal(first.status, 201);
    assert.deepEqual(
      (await letters()).map(({ id, title }) => [id, title]),
      [[first.json.id, 'Clinic letter']],
    );
    const second = await send(letter(text('two')));
    assert.equal((await letters())[0].replaced_by, second.json.id);
  });

  it('is refused whole, at create and at update, when its attachment is none that a patient can open', async () => {
    const before = (await letters()).length;
    const wrong = { contentType: 'application/pdf', data: Buffer.from('MZ').toString('base64') };
    const refused = await send(letter(wrong));
    assert.equal(refused.status, 422);
    assert.equal(refused.code, 'attachment-refused');
    assert.deepEqual(refused.json.issue[0].expression, ['DocumentReference.content[0].attachment']);
    assert.equal((await letters()).length, before);

    const kept = await send(letter(text('good')));
    const update = await send(
      { ...letter(wrong), id: kept.json.id },
      `/DocumentReference/${kept.json.id}`,
      'PUT',
    );
    assert.equal(update.code, 'attachment-refused');
    const read = await world.fhir(here, token, `/DocumentReference/${kept.json.id}`);
    assert.equal(read.json.meta.versionId, '1');
  });

  it('appears after the days that it names, which must be days', async () => {
    const after = (value: object) =>
      letter(text('later'), {
        extension: [{ url: 'urn:connected-systems:extension:visible-after-days', ...value }],
      });
    assert.equal((await send(after({ valueUnsignedInt: 7 }))).status, 201);
    assert.equal((await letters()).at(-1).visible_from.toISOString(), '2026-11-27T09:00:00.000Z');
    assert.equal((await send(after({ valueUnsignedInt: 400 }))).code, 'attachment-refused');
    assert.equal((await send(after({ valueString: 'soon' }))).code, 'attachment-refused');
  });

  it('may keep its content in a Binary of the patient’s, which is looked at too', async () => {
    const binary = (data: string) => ({
      resourceType: 'Binary',
      contentType: 'image/png',
      securityContext: { reference: `Patient/${patient.id}` },
      data,
    });
    assert.equal((await send(binary('iVBORw0KGgoAAAANSUhEUg=='), '/Binary')).status, 201);
    assert.equal((await send(binary('PHNjcmlwdD4='), '/Binary')).code, 'attachment-refused');
  });

  it('is not looked at when it is about no patient', async () => {
    const { subject: _subject, ...nobodys } = letter({ contentType: 'application/zip', data: 'UEsDBA==' });
    assert.equal((await send(nobodys)).status, 201);
  });

  describe('with its content in a Binary', () => {
    const HERE = 'https://records.example';
    const binaryOf = async (of: { id: string } | null = patient, by = here, as = token) => {
      const body = {
        resourceType: 'Binary',
        ...text('Dear patient'),
        ...(of && { securityContext: { reference: `Patient/${of.id}` } }),
      };
      const { json } = await world.fhir(by, as, '/Binary', { method: 'POST', body });
      return json.id as string;
    };
    const at = (...urls: string[]) =>
      letter({}, { content: urls.map((url) => ({ attachment: { contentType: 'text/plain', url } })) });
    const urlOf = ({ json }: { json: { content: { attachment: { url: string } }[] } }) =>
      json.content[0]?.attachment.url;
    const count = async () =>
      (await world.db.database.owner.query('select count(*)::integer as n from resource')).rows[0].n;

    it('may name it by any of our addresses, and reads the same at each', async () => {
      const id = await binaryOf();
      for (const base of [
        '',
        '/',
        '/fhir/R4/',
        `${HERE}/fhir/R4/`,
        `${HERE}/organisations/${here.id}/fhir/R4/`,
        `${HERE}/organisations/${here.odsCode}/fhir/R4/`,
      ]) {
        for (const version of ['', '/_history/1']) {
          const sent = await send(at(`${base}Binary/${id}${version}`));
          assert.equal(sent.status, 201, `${base} ${version} ${sent.text}`);
          assert.equal(urlOf(sent), `Binary/${id}${version}`);
        }
      }
    });

    it('is refused, whole and in the same words, when it is not there or is somebody else’s', async () => {
      const there = await world.organisation();
      const other = await world.patient(here);
      await world.register(patient, there, { shares: 15 });
      await world.register(patient, here, { shares: 15 });
      const elsewhere = await world.access(there);
      const own = await binaryOf();
      const gone = await binaryOf();
      await world.fhir(here, token, `/Binary/${gone}`, { method: 'DELETE' });
      const unknown = [
        'Binary/00000000-0000-8000-8000-000000000001',
        `Binary/${await binaryOf(other)}`,
        `Binary/${await binaryOf(patient, there, elsewhere.token)}`,
        `Binary/${await binaryOf(null)}`,
        `Binary/${gone}`,
        `Binary/${gone}/_history/1`,
        `Binary/${own}/_history/2`,
        `Binary/${own.toUpperCase()}`,
        `${HERE}/organisations/${there.id}/fhir/R4/Binary/${gone}`,
        'Binary/none',
        `${HERE}/fhir/R4/DocumentReference/${own}`,
        'letter.pdf',
        'urn:uuid:5d1b5c2e-3f0f-4f10-8b0e-7b6f0ad5a001',
      ];
      const before = await count();
      const answers = new Set<string>();
      for (const url of unknown) {
        const refused = await send(at(`Binary/${own}`, url));
        assert.deepEqual([refused.status, refused.code], [422, 'attachment-unknown'], url);
        const [issue] = refused.json.issue;
        assert.deepEqual(issue.expression, ['DocumentReference.content[1].attachment.url']);
        answers.add(refused.text.replace(/Reference [0-9a-f]+/, ''));
        assert.ok(!refused.text.includes(url));
      }
      assert.equal(answers.size, 1);
      assert.equal(await count(), before);
      const both = await send(at(unknown[0]!, `Binary/${own}`, unknown[1]!));
      assert.deepEqual(
        both.json.issue.map(({ expression }: { expression: string[] }) => expression[0]),
        [0, 2].map((n) => `DocumentReference.content[${n}].attachment.url`),
      );
    });

    it('is not told of a Binary under a label that its sender’s connection does not cover', async () => {
      const narrow = await world.access(here, { labels: 1 });
      const body = { resourceType: 'Binary', ...text('Dear patient') };
      const hidden = await world.stored(here, body, { patientId: patient.id, label: 'SEXUAL_HEALTH' });
      const by = (as: string) =>
        world.fhir(here, as, '/DocumentReference', { method: 'POST', body: at(`Binary/${hidden.id}`) });
      assert.equal((await by(narrow.token)).code, 'attachment-unknown');
      assert.equal((await by(token)).status, 201);
    });

    it('is checked at every update too, but may be taken back when its Binary is gone', async () => {
      const id = await binaryOf();
      const sent = await send(at(`Binary/${id}`));
      const path = `/DocumentReference/${sent.json.id}`;
      const put = (body: object) => send({ ...body, id: sent.json.id }, path, 'PUT');
      assert.equal((await put(at(`${HERE}/fhir/R4/Binary/${id}`))).status, 200);
      assert.equal((await put(at('Binary/none'))).code, 'attachment-unknown');
      assert.equal(urlOf(await world.fhir(here, token, path)), `Binary/${id}`);
      await world.fhir(here, token, `/Binary/${id}`, { method: 'DELETE' });
      assert.equal((await put(at(`Binary/${id}`))).code, 'attachment-unknown');
      for (const hidden of [
        { status: 'entered-in-error' },
        { status: 'superseded' },
        { docStatus: 'entered-in-error' },
        { docStatus: 'preliminary' },
      ]) {
        assert.equal((await put({ ...at(`Binary/${id}`), ...hidden })).status, 200);
      }
      assert.equal((await put({ ...at(`Binary/${id}`), docStatus: 'amended' })).code, 'attachment-unknown');
    });

    it('is refused for want of access before anything is said of the Binary', async () => {
      const { token: reader } = await world.access(here, { scopes: ['system/DocumentReference.r'] });
      const refused = await world.fhir(here, reader, '/DocumentReference', {
        method: 'POST',
        body: at('Binary/none'),
      });
      assert.equal(refused.code, 'scope-insufficient');
    });

    it('may also be kept elsewhere, or come with the letter: then no Binary is asked for', async () => {
      for (const url of ['https://elsewhere.example/fhir/R4/Binary/1', 'ftp://elsewhere.example/a.pdf']) {
        const sent = await send(at(url));
        assert.deepEqual([sent.status, urlOf(sent)], [201, url]);
      }
      for (const url of ['/letter.pdf', `${HERE}/fhir/R4/DocumentReference/1`]) {
        const draft = await send({ ...at(url), docStatus: 'preliminary' });
        assert.deepEqual(
          [draft.status, urlOf(draft)],
          [201, url],
          'what names no Binary stays as it was sent',
        );
      }
      assert.equal((await send(letter({ ...text('here'), url: 'Binary/none' }))).status, 201);
    });

    const entry = (fullUrl: string, resource: { resourceType: string }) => ({
      fullUrl,
      resource,
      request: { method: 'POST', url: resource.resourceType },
    });
    const NAME = 'urn:uuid:0b54f1f6-1d7c-4b5c-9a39-0f2a35c0a002';
    const bundle = (type: string, ...entries: object[]) => ({ resourceType: 'Bundle', type, entry: entries });

    it('may come with its Binary in one transaction, in either order, and names what was made', async () => {
      const file = entry(NAME, {
        resourceType: 'Binary',
        ...text('Dear patient'),
        securityContext: { reference: `Patient/${patient.id}` },
      } as never);
      const about = entry('urn:uuid:letter', at(NAME));
      for (const entries of [
        [about, file],
        [file, about],
      ]) {
        const done = await send(bundle('transaction', ...entries), '');
        assert.equal(done.status, 200, done.text);
        const made = done.json.entry.map(({ resource }: { resource: unknown }) => resource);
        const [document, binary] = entries[0] === about ? made : made.reverse();
        assert.equal(document.content[0].attachment.url, `Binary/${binary.id}`);
      }
      const before = await count();
      const refused = await send(
        bundle('transaction', file, entry('urn:uuid:letter', at('Binary/none'))),
        '',
      );
      assert.equal(refused.code, 'attachment-unknown');
      assert.deepEqual(refused.json.issue[0].expression, [
        'Bundle.entry[1].resource.content[0].attachment.url',
      ]);
      assert.equal(await count(), before);
      const batch = await send(bundle('batch', file, about), '');
      assert.deepEqual(
        batch.json.entry.map(({ response }: { response: { status: string } }) => response.status.slice(0, 3)),
        ['201', '422'],
        'in a batch nothing names anything else',
      );
    });
  });
});
