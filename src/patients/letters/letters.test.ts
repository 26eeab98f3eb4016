import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import { type PageClient, textOf } from '../../../test/support/page-client.ts';
import {
  type PatientsApp,
  type PatientsWorld,
  patientsApp,
  patientsWorld,
} from '../../../test/support/patients-app.ts';
import { untilLockWaited } from '../../../test/support/until-lock-waited.ts';
import { createNotifyOfLetters } from './notify.ts';

const PDF = `%PDF-1.7\n${'x'.repeat(100)}\n%%EOF`;
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

describe('letters', () => {
  let db: TestDatabase;
  let service: PatientsApp;
  let world: PatientsWorld;
  let harbour: string;
  let moor: string;
  let nia: string;
  let other: string;
  let client: PageClient;
  let numbered = 0;
  before(async () => {
    db = await testDatabase();
    service = await patientsApp(db.database);
    world = patientsWorld(db.database);
    harbour = await world.organisation('Harbour Trust');
    moor = await world.organisation('Moor Surgery');
  });
  after(async () => {
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    numbered++;
    nia = await world.patient({ organisations: [harbour, moor] });
    other = await world.patient({ organisations: [harbour] });
    await world.account(nia, `nia${numbered}@example.org`);
    await world.account(other, `other${numbered}@example.org`);
    client = await service.signedIn(`nia${numbered}@example.org`);
    service.audit.length = 0;
  });

  type Stored = {
    first_read_at: Date | null;
    reported_unreadable_at: Date | null;
    replaced_by: string | null;
  };
  const stored = async (id: string): Promise<Stored> =>
    (await db.database.owner.query('select * from letter where id = $1', [id])).rows[0];
  const readAt = async (id: string) => (await stored(id)).first_read_at;
  const titles = (body: string) =>
    [...body.matchAll(/<a href="\/my\/letters\/[0-9a-f-]{36}">([^<]+)</g)].map(([, t]) => t);

  it('are listed newest first with what is unread, until they are opened', async () => {
    const first = await world.letter(nia, harbour, { title: 'First' });
    await world.letter(nia, moor, { title: 'Second' });
    const list = await client.get('/my/letters');
    assert.deepEqual(titles(list.body), ['Second', 'First']);
    assert.match(
      textOf(list.body),
      /You have 2 unread letters.*Second Unread Moor Surgery.*First Unread Harbour Trust/,
    );
    assert.deepEqual(await htmlProblems(list.body), []);
    const letter = await client.get(`/my/letters/${first}`);
    assert.equal(letter.statusCode, 200);
    assert.match(textOf(letter.body), /First From Harbour Trust.*Dear patient, all is well/);
    assert.deepEqual(await htmlProblems(letter.body), []);
    assert.match(textOf((await client.get('/my/letters')).body), /You have 1 unread letter\./);
  });

  it('have a receipt that is set once, the first time', async () => {
    const id = await world.letter(nia, harbour);
    assert.equal(await readAt(id), null);
    await Promise.all(Array.from({ length: 8 }, () => client.get(`/my/letters/${id}`)));
    const first = await readAt(id);
    assert.ok(first);
    await client.get(`/my/letters/${id}`);
    assert.deepEqual(await readAt(id), first);
    const told = service.audit.filter(({ detail }) => detail === 'first read');
    assert.equal(told.length, 1);
    assert.deepEqual(
      [told[0]?.interaction, told[0]?.resourceId, told[0]?.patients, told[0]?.organisationId],
      ['my-letter', id, [nia], harbour],
    );
  });

  it('have a receipt from nobody but the patient, and from nothing but opening them', async () => {
    const id = await world.letter(nia, harbour);
    const stranger = await service.signedIn(`other${numbered}@example.org`);
    assert.equal((await stranger.get(`/my/letters/${id}`)).statusCode, 404);
    assert.equal((await stranger.get(`/my/letters/${id}/parts/0`)).statusCode, 404);
    assert.equal((await stranger.get(`/my/letters/${id}/unreadable`)).statusCode, 404);
    await stranger.get('/my/letters');
    assert.equal((await stranger.post(`/my/letters/${id}/unreadable`)).statusCode, 404);
    assert.equal((await service.client().get(`/my/letters/${id}`)).statusCode, 303);
    await client.get('/my/letters');
    for (const [name, value] of [
      ['sec-purpose', 'prefetch'],
      ['sec-purpose', 'prefetch;prerender'],
      ['purpose', 'prefetch'],
      ['x-moz', 'prefetch'],
    ] as const) {
      assert.equal((await client.get(`/my/letters/${id}`, { [name]: value })).statusCode, 503);
    }
    const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const head = await service.app.inject({ method: 'HEAD', url: `/my/letters/${id}`, headers: { cookie } });
    assert.ok(head.statusCode < 500);
    await client.get(`/my/letters/${id}/unreadable`);
    assert.deepEqual([await readAt(id), (await stored(id)).reported_unreadable_at], [null, null]);
  });

  it('cannot be marked as read around the function that does it', async () => {
    const id = await world.letter(nia, harbour);
    const { service: pool } = db.database;
    await assert.rejects(
      pool.query('update letter set first_read_at = now() where id = $1', [id]),
      /permission denied/,
    );
    await assert.rejects(pool.query('delete from letter where id = $1', [id]), /permission denied/);
    await pool.query('select read_letter($1)', [id]);
    assert.equal(await readAt(id), null, 'nobody acts');
    const stranger = await db.database.owner.query('select id from patient_account where patient_id = $1', [
      other,
    ]);
    const connection = await pool.connect();
    await connection.query('begin');
    await connection.query('select act_for_patient($1)', [stranger.rows[0].id]);
    await connection.query('select read_letter($1)', [id]);
    await connection.query('commit');
    connection.release();
    assert.equal(await readAt(id), null, 'another patient acts');
  });

  it('are hidden until their day has come, by every way there is', async () => {
    const id = await world.letter(nia, harbour, { title: 'Later', delayDays: 3 });
    assert.deepEqual(titles((await client.get('/my/letters')).body), []);
    for (const path of ['', '/parts/0', '/unreadable']) {
      assert.equal((await client.get(`/my/letters/${id}${path}`)).statusCode, 404, path);
    }
    assert.equal((await client.post(`/my/letters/${id}/unreadable`)).statusCode, 404);
    await db.database.owner.query(
      `update letter set visible_from = now() - interval '1 second' where id = $1`,
      [id],
    );
    assert.deepEqual(titles((await client.get('/my/letters')).body), ['Later']);
    assert.equal((await client.get(`/my/letters/${id}`)).statusCode, 200);
  });

  it('count their delay from the date of the document', async () => {
    const dated = (date: string, delayDays: number) =>
      world.letter(nia, harbour, { delayDays, more: { date } });
    const tenDaysAgo = new Date(Date.now() - 10 * 86_400_000).toISOString();
    const insert = async (id: string) => {
      await db.database.owner.query('update resource set sort_from = $2 where id = $1', [id, tenDaysAgo]);
      await db.database.owner.query('delete from letter where id = $1', [id]);
      await db.database.owner.query('update resource set version = version where id = $1', [id]);
      return (await db.database.owner.query('select visible_from from letter where id = $1', [id])).rows[0]
        .visible_from;
    };
    const seen: Date = await insert(await dated(tenDaysAgo, 3));
    assert.ok(Math.abs(seen.getTime() - (Date.now() - 7 * 86_400_000)) < 60_000);
    const unseen: Date = await insert(await dated(tenDaysAgo, 30));
    assert.ok(Math.abs(unseen.getTime() - (Date.now() + 20 * 86_400_000)) < 60_000);
  });

  it('are replaced by a newer one with the same identifier, and the earlier one stays to be found', async () => {
    const old = await world.letter(nia, harbour, { title: 'Old plan', identifier: 'L-1' });
    await client.get(`/my/letters/${old}`);
    const newer = await world.letter(nia, harbour, { title: 'New plan', identifier: 'L-1' });
    assert.deepEqual(titles((await client.get('/my/letters')).body), ['New plan']);
    assert.match(
      textOf((await client.get(`/my/letters/${newer}`)).body),
      /Earlier versions Old plan.*you read it on/,
    );
    assert.match(textOf((await client.get(`/my/letters/${old}`)).body), /There is a newer version/);
    // Neither another organisation's nor another patient's identifier is the same.
    await world.letter(nia, moor, { title: 'Moor plan', identifier: 'L-1' });
    await world.letter(other, harbour, { title: 'Another’s plan', identifier: 'L-1' });
    assert.deepEqual(titles((await client.get('/my/letters')).body), ['Moor plan', 'New plan']);
  });

  it('stay until the one that replaces them can be seen', async () => {
    const old = await world.letter(nia, harbour, { title: 'Old plan', identifier: 'L-2' });
    const newer = await world.letter(nia, harbour, { title: 'New plan', identifier: 'L-2', delayDays: 2 });
    assert.deepEqual(titles((await client.get('/my/letters')).body), ['Old plan']);
    assert.doesNotMatch(textOf((await client.get(`/my/letters/${old}`)).body), /newer version/);
    await db.database.owner.query('delete from resource where id = $1', [newer]);
    assert.equal((await stored(old)).replaced_by, null);
    assert.deepEqual(titles((await client.get('/my/letters')).body), ['Old plan']);
  });

  it('are unread again when what they hold was changed, not when only a word about them was', async () => {
    const id = await world.letter(nia, harbour, { title: 'Plan' });
    await client.get(`/my/letters/${id}`);
    const change = (path: string, value: string) =>
      db.database.owner.query(
        `update resource set content = jsonb_set(content::jsonb, $2::text[], to_jsonb($3::text))::text where id = $1`,
        [id, path, value],
      );
    await change('{description}', 'The plan');
    assert.ok(await readAt(id));
    await change('{content,0,attachment,data}', Buffer.from('new words').toString('base64'));
    assert.equal(await readAt(id), null);
    assert.match(textOf((await client.get('/my/letters')).body), /The plan Changed since you read it/);
    await client.get(`/my/letters/${id}`);
    assert.ok(await readAt(id));
  });

  it('have a receipt for what the patient saw, not for what they became while they were opened', async () => {
    const id = await world.letter(nia, harbour, { data: 'The first words' });
    const sender = await db.database.owner.connect();
    const data = Buffer.from('Other words').toString('base64');
    await sender.query('begin');
    await sender.query(
      `update resource set version = version + 1,
              content = jsonb_set(content::jsonb, '{content,0,attachment,data}', to_jsonb($2::text))::text
        where id = $1`,
      [id, data],
    );
    const opened = client.get(`/my/letters/${id}`);
    await untilLockWaited(db.database.owner);
    await sender.query('commit');
    sender.release();
    assert.match((await opened).body, /Other words/);
    assert.notEqual(await readAt(id), null);
  });

  it('are gone when they were taken back', async () => {
    for (const [field, value] of [
      ['status', 'entered-in-error'],
      ['docStatus', 'preliminary'],
    ] as const) {
      const id = await world.letter(nia, harbour);
      await db.database.owner.query(
        `update resource set content = jsonb_set(content::jsonb, $2::text[], to_jsonb($3::text))::text where id = $1`,
        [id, `{${field}}`, value],
      );
      assert.equal((await client.get(`/my/letters/${id}`)).statusCode, 404);
    }
    assert.deepEqual(titles((await client.get('/my/letters')).body), []);
  });

  it('that are PDFs are read when the PDF is opened, not when it is offered', async () => {
    const id = await world.letter(nia, harbour, {
      contentType: 'application/pdf',
      data: PDF,
      title: 'Clinic: "letter" — März/2026',
    });
    await client.get(`/my/letters/${id}`);
    assert.equal(await readAt(id), null);
    const pdf = await client.get(`/my/letters/${id}/parts/0`);
    assert.equal(pdf.headers['content-type'], 'application/pdf');
    assert.equal(pdf.headers['content-disposition'], 'inline; filename="Clinic letter Marz2026.pdf"');
    assert.equal(pdf.headers['x-content-type-options'], 'nosniff');
    assert.equal(pdf.headers['cache-control'], 'no-store');
    assert.equal(pdf.body, PDF);
    assert.ok(await readAt(id));
    const download = await client.get(`/my/letters/${id}/parts/0?download=yes`);
    assert.match(String(download.headers['content-disposition']), /^attachment/);
  });

  it('that are HTML are shown without anything that could run or load', async () => {
    const data =
      '<h1>Plan</h1><script>alert(1)</script><p onclick="x()">Rest <b>well</b></p><img src="https://evil.example/x.png">';
    const id = await world.letter(nia, harbour, { contentType: 'text/html', data });
    const page = await client.get(`/my/letters/${id}`);
    assert.match(page.body, /<h2>Plan<\/h2><p>Rest <b>well<\/b><\/p>/);
    assert.doesNotMatch(page.body, /alert\(1\)|onclick|evil\.example/);
    const file = await client.get(`/my/letters/${id}/parts/0`);
    assert.match(String(file.headers['content-disposition']), /^attachment; filename=".*\.html"$/);
    assert.doesNotMatch(file.body, /alert\(1\)|onclick|evil\.example/);
  });

  it('that came with more HTML than can be made safe in a moment are not shown, and keep nobody waiting', async () => {
    const id = await world.letter(nia, harbour, { contentType: 'text/html', data: '<div>'.repeat(300_000) });
    const before = process.cpuUsage();
    const page = await client.get(`/my/letters/${id}`);
    assert.equal(page.statusCode, 200);
    assert.equal((await client.get(`/my/letters/${id}/parts/0`)).statusCode, 404);
    assert.ok(process.cpuUsage(before).user < 5e6);
    assert.equal(await readAt(id), null);
  });

  it('that are text are shown as text', async () => {
    const id = await world.letter(nia, harbour, { data: 'a <b>tag</b> & an "entity"' });
    assert.match(
      (await client.get(`/my/letters/${id}`)).body,
      /a &lt;b&gt;tag&lt;\/b&gt; &amp; an &quot;entity&quot;/,
    );
  });

  it('that are not what they are said to be are not shown, and have no receipt', async () => {
    for (const [contentType, data] of [
      ['image/png', '<script>alert(1)</script>'],
      ['application/pdf', PNG],
      ['image/svg+xml', '<svg/>'],
      ['application/x-msdownload', 'MZ'],
    ] as const) {
      const id = await world.letter(nia, harbour, { contentType, data });
      assert.match(textOf((await client.get(`/my/letters/${id}`)).body), /cannot be shown here/);
      assert.equal((await client.get(`/my/letters/${id}/parts/0`)).statusCode, 404);
      assert.equal(await readAt(id), null);
    }
  });

  it('may keep their content in a Binary of the same patient and organisation, and in no other', async () => {
    const binary = (patientId: string, organisation: string) =>
      world.resource(patientId, organisation, {
        resourceType: 'Binary',
        contentType: 'image/png',
        data: PNG.toString('base64'),
      });
    const withUrl = (url: string) =>
      world.letter(nia, harbour, { more: { content: [{ attachment: { contentType: 'image/png', url } }] } });
    const good = await withUrl(`Binary/${await binary(nia, harbour)}`);
    const shown = await client.get(`/my/letters/${good}/parts/0`);
    assert.equal(shown.headers['content-type'], 'image/png');
    assert.ok(shown.rawPayload.equals(PNG));
    for (const url of [
      `Binary/${await binary(other, harbour)}`,
      `Binary/${await binary(nia, moor)}`,
      `DocumentReference/${good}`,
      'https://evil.example/x.png',
      'file:///etc/passwd',
    ]) {
      assert.equal((await client.get(`/my/letters/${await withUrl(url)}/parts/0`)).statusCode, 404, url);
    }
  });

  it('may name the Binary that holds their content by any of our addresses, also where that was sent long ago', async () => {
    const stored = await world.resource(nia, harbour, {
      resourceType: 'Binary',
      contentType: 'image/png',
      data: PNG.toString('base64'),
    });
    const opened = async (url: string) => {
      const content = [{ attachment: { contentType: 'image/png', url } }];
      const id = await world.letter(nia, harbour, { more: { content } });
      const file = await client.get(`/my/letters/${id}/parts/0`);
      return [file.statusCode, (await readAt(id)) !== null];
    };
    for (const url of [
      `/Binary/${stored}`,
      `Binary/${stored}/_history/1`,
      `http://service.test/fhir/R4/Binary/${stored}`,
      `http://service.test/organisations/ZX001/fhir/R4/Binary/${stored}/_history/1`,
    ]) {
      assert.deepEqual(await opened(url), [200, true], url);
    }
    for (const url of [
      `https://evil.example/fhir/R4/Binary/${stored}`,
      `Binary/${stored}/_history/2`,
      `Binary/${stored}/x`,
    ]) {
      assert.deepEqual(await opened(url), [404, false], url);
    }
  });

  it('that name a version of a Binary stay what they were, until the Binary is taken away', async () => {
    const data = (words: string) => Buffer.from(words).toString('base64');
    const binary = (organisation: string) =>
      world.resource(nia, organisation, {
        resourceType: 'Binary',
        contentType: 'text/plain',
        data: data('The operation is on Monday'),
      });
    const stored = await binary(harbour);
    const naming = async (url: string) =>
      world.letter(nia, harbour, { more: { content: [{ attachment: { contentType: 'text/plain', url } }] } });
    const pinned = await naming(`Binary/${stored}/_history/1`);
    const loose = await naming(`Binary/${stored}`);
    for (const id of [pinned, loose]) await client.get(`/my/letters/${id}`);
    const read = await readAt(pinned);
    await db.database.owner.query(
      `with kept as (
         insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content)
         select route, id, version, type, patient_id, organisation_id, label, updated_at, content from resource where id = $1)
       update resource set version = 2, content = jsonb_set(content::jsonb, '{data}', to_jsonb($2::text))::text where id = $1`,
      [stored, data('The operation is on Friday')],
    );
    assert.deepEqual([await readAt(pinned), await readAt(loose)], [read, null]);
    assert.match(textOf((await client.get(`/my/letters/${pinned}`)).body), /on Monday/);
    assert.match(textOf((await client.get(`/my/letters/${loose}`)).body), /on Friday/);
    const second = await naming(`Binary/${stored}/_history/2`);
    assert.match(textOf((await client.get(`/my/letters/${second}`)).body), /on Friday/);
    const stranger = await service.signedIn(`other${numbered}@example.org`);
    assert.equal((await stranger.get(`/my/letters/${pinned}`)).statusCode, 404);
    await db.database.owner.query('delete from resource where id = $1', [stored]);
    assert.equal(await readAt(pinned), null);
    assert.match(textOf((await client.get(`/my/letters/${pinned}`)).body), /cannot be shown here/);
  });

  it('have behind them no more of what was before than the patient’s own files', async () => {
    const [mine, theirs] = [await world.letter(nia, harbour), await world.letter(other, harbour)];
    await db.database.owner.query(
      `insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content)
       select r.route, r.id, v.version, v.type, r.patient_id, r.organisation_id, r.label, r.updated_at, r.content
         from resource r, (values (7, 'Binary'), (8, 'DocumentReference')) v(version, type) where r.id in ($1, $2)`,
      [mine, theirs],
    );
    const { rows } = await db.database.owner.query('select id from patient_account where patient_id = $1', [
      nia,
    ]);
    const connection = await db.database.service.connect();
    await connection.query('begin');
    await connection.query('select act_for_patient($1)', [rows[0].id]);
    const seen = await connection.query('select id, version from resource_version where id in ($1, $2)', [
      mine,
      theirs,
    ]);
    await connection.query('rollback');
    connection.release();
    assert.deepEqual(seen.rows, [{ id: mine, version: 7 }]);
  });

  it('are unread again when the Binary that holds their content is changed or taken away', async () => {
    const stored = await world.resource(nia, harbour, {
      resourceType: 'Binary',
      contentType: 'text/plain',
      data: Buffer.from('The operation is on Monday').toString('base64'),
    });
    const content = [{ attachment: { contentType: 'text/plain', url: `Binary/${stored}` } }];
    const id = await world.letter(nia, harbour, { more: { content } });
    const bystander = await world.letter(nia, harbour, { title: 'Another' });
    for (const letter of [id, bystander]) await client.get(`/my/letters/${letter}`);
    const read = [await readAt(id), await readAt(bystander)];
    assert.ok(read[0] && read[1]);
    const change = (set: string) =>
      db.database.owner.query(`update resource set content = (${set})::text where id = $1`, [stored]);

    await change(`jsonb_set(content::jsonb, '{meta,versionId}', '"2"')`);
    assert.deepEqual(await readAt(id), read[0], 'a new version of the same is the same');
    const other = Buffer.from('The operation is on Friday').toString('base64');
    await change(`jsonb_set(content::jsonb, '{data}', '"${other}"')`);
    assert.equal(await readAt(id), null);
    assert.deepEqual(await readAt(bystander), read[1]);
    assert.match(textOf((await client.get(`/my/letters/${id}`)).body), /on Friday/);
    assert.ok(await readAt(id));
    await db.database.owner.query('delete from resource where id = $1', [stored]);
    assert.equal(await readAt(id), null);
  });

  it('can be reported as not readable, which the sender is told and which is no receipt', async () => {
    const id = await world.letter(nia, harbour, { contentType: 'application/pdf', data: PDF });
    const page = await client.get(`/my/letters/${id}/unreadable`);
    assert.match(textOf(page.body), /We will tell Harbour Trust/);
    assert.deepEqual(await htmlProblems(page.body), []);
    assert.equal((await client.post(`/my/letters/${id}/unreadable`)).statusCode, 303);
    assert.match(
      textOf((await client.get('/my/letters')).body),
      /We have noted that you could not open the letter.*You told them/,
    );
    const { reported_unreadable_at, first_read_at } = await stored(id);
    assert.ok(reported_unreadable_at);
    assert.equal(first_read_at, null);
    await client.post(`/my/letters/${id}/unreadable`);
    assert.deepEqual((await stored(id)).reported_unreadable_at, reported_unreadable_at);
    assert.equal(
      service.audit.findLast(({ interaction }) => interaction === 'my-letter-unreadable')?.resourceId,
      id,
    );
  });

  it('can be searched, and are cut into pages', async () => {
    for (let made = 0; made < 45; made++)
      await world.letter(nia, made % 2 ? harbour : moor, { title: `Letter ${made}` });
    await client.get(`/my/letters/${await world.letter(nia, harbour, { title: 'Read already' })}`);
    assert.equal(titles((await client.get('/my/letters?page=3')).body).length, 6);
    assert.match(textOf((await client.get('/my/letters')).body), /Showing 1 to 20 of 46 letters/);
    assert.deepEqual(titles((await client.get('/my/letters?search=LETTER+44')).body), ['Letter 44']);
    assert.match(textOf((await client.get('/my/letters?search=moor')).body), /of 23 letters/);
    assert.match(textOf((await client.get('/my/letters?show=unread')).body), /of 45 letters/);
    assert.match(textOf((await client.get('/my/letters?search=%25')).body), /No letter matches/);
    for (const odd of ['0', '-1', 'x', '999999']) {
      assert.equal((await client.get(`/my/letters?page=${odd}`)).statusCode, 200);
    }
  });

  it('are told of in one message, however many processes look at once', async () => {
    const notify = createNotifyOfLetters(service);
    await notify();
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 12; n++) await world.letter(nia, n % 2 ? harbour : moor, { title: `Letter ${n}` });
      const written = await Promise.all(Array.from({ length: 5 }, () => notify()));
      assert.equal(
        written.reduce((sum, one) => sum + one),
        1,
      );
      assert.equal(
        (await service.messageTo(`nia${numbered}@example.org`))?.subject,
        'You have 12 new letters',
      );
    }
  });

  it('are told of by mail once, to who has joined, without a word of what they are', async () => {
    const notify = createNotifyOfLetters(service);
    await notify();
    const id = await world.letter(nia, harbour, { title: 'Oncology results' });
    await world.letter(nia, moor, { title: 'Scan' });
    await world.letter(nia, harbour, { title: 'Not yet', delayDays: 5 });
    await client.get(`/my/letters/${await world.letter(nia, harbour, { title: 'Read already' })}`);
    await world.letter(await world.patient({ organisations: [harbour] }), harbour);
    const written = await Promise.all([notify(), notify(), notify()]);
    assert.equal(
      written.reduce((sum, one) => sum + one),
      1,
    );
    const message = await service.messageTo(`nia${numbered}@example.org`);
    assert.equal(message?.subject, 'You have 2 new letters');
    assert.match(message?.text ?? '', /http:\/\/service\.test\/my\/letters$/m);
    assert.doesNotMatch(JSON.stringify(message), /Oncology|Scan|Harbour|Moor|Nia Morgan/);
    await db.database.owner.query(
      `update letter set visible_from = now() where id <> $1 and patient_id = $2`,
      [id, nia],
    );
    assert.equal(await notify(), 1);
    assert.equal((await service.messageTo(`nia${numbered}@example.org`))?.subject, 'You have a new letter');
  });
});
