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
});
