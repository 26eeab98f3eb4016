import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
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
import { hashNumbers } from '../../audit/audit.ts';
import { newRootId } from '../../ids.ts';
import { csvLine } from '../../web/index.ts';

describe('who has looked', () => {
  let db: TestDatabase;
  let service: PatientsApp;
  let world: PatientsWorld;
  let harbour: string;
  let moor: string;
  let nia: string;
  let client: PageClient;
  let connection: string;
  let pat: string;
  let numbered = 0;
  const chain = randomUUID();
  let sequence = 0;
  before(async () => {
    db = await testDatabase();
    service = await patientsApp(db.database);
    world = patientsWorld(db.database);
    harbour = await world.organisation('Harbour Trust');
    moor = await world.organisation('Moor Surgery');
    const company = newRootId();
    await world.insert('company', { id: company, name: 'Postwise Ltd' });
    for (const [clientId, name] of [
      ['mail-1', 'Hybrid Mail'],
      ['view-1', '=Viewer'],
    ]) {
      await world.insert('system', {
        client_id: clientId,
        company_id: company,
        name,
        purpose: 'Sends letters',
        contact_name: 'x',
        contact_email: 'x@example.org',
        privacy_notice_url: 'https://example.org',
        standing: 'live',
        scopes: [],
        permissions: [],
        auth_method: 'client_secret_basic',
      });
    }
    connection = newRootId();
    await world.insert('connection', {
      id: connection,
      organisation_id: harbour,
      client_id: 'mail-1',
      status: 'active',
      scopes: [],
      permissions: [],
      reason: 'Letters by post and online',
      granted_at: new Date(),
    });
    pat = newRootId();
    await world.insert('account', {
      id: pat,
      email: 'pat@example.org',
      name: 'Dr Pat Smith',
      password_hash: 'x',
    });
  });
  after(async () => {
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    nia = await world.patient({ organisations: [harbour] });
    const email = `nia${++numbered}@example.org`;
    await world.account(nia, email);
    client = await service.signedIn(email);
  });

  async function audited(row: Record<string, unknown> = {}, daysAgo = 0): Promise<string> {
    const request_id = randomUUID();
    await world.insert('audit_record', {
      chain,
      sequence: ++sequence,
      at: new Date(Date.now() - daysAgo * 86_400_000 - 1000 + sequence / 100),
      request_id,
      kind: 'fhir',
      interaction: 'read',
      outcome: 'allowed',
      status: 200,
      client_id: 'mail-1',
      connection_id: connection,
      organisation_id: harbour,
      resource_type: 'Observation',
      patients: [nia],
      hash: Buffer.alloc(32),
      ...row,
    });
    return request_id;
  }
  const headings = (body: string) =>
    [...body.matchAll(/id="group-\d+">([^<]*)</g)].map(([, heading]) => heading);

  it('says which system, for whom, when, what, why and how often', async () => {
    await audited();
    await audited({ interaction: 'search-type', resource_type: 'Condition' });
    await audited({ interaction: 'create', resource_type: 'DocumentReference', status: 201 });
    const page = await client.get('/my/access');
    assert.deepEqual(headings(page.body), ['Hybrid Mail (Postwise Ltd)']);
    assert.match(
      textOf(page.body),
      /For Harbour Trust Why Letters by post and online How often 3 times, last \d+ \w+ \d{4} at \d\d:\d\d Asked for .*(Observations|results|Problems).* Wrote Letters and documents/,
    );
    assert.deepEqual(await htmlProblems(page.body), []);
  });

  it('names professionals, and tells an emergency apart', async () => {
    const byPat = {
      kind: 'page',
      account_id: pat,
      client_id: null,
      connection_id: null,
      organisation_id: moor,
      resource_type: null,
    };
    await audited({ ...byPat, interaction: 'record-read' });
    await audited({ ...byPat, interaction: 'break-glass' });
    const page = await client.get('/my/access');
    assert.deepEqual(headings(page.body), ['Dr Pat Smith']);
    assert.match(
      textOf(page.body),
      /Dr Pat Smith Emergency access For Moor Surgery, where you are not registered Why To look after you How often 2 times/,
    );
    const entries = await client.get(`/my/access/entries?person=${pat}&for=${moor}`);
    assert.match(textOf(entries.body), /Opened more of your record in an emergency/);
    for (const interaction of ['break-glass-end', 'find-patient', 'launch', 'launch-connect', 'launch-try']) {
      await audited({ ...byPat, interaction });
    }
    const all = await client.get(`/my/access/entries?person=${pat}&for=${moor}`);
    assert.doesNotMatch(textOf(all.body), /Used a page/);
    assert.deepEqual(await htmlProblems(entries.body), []);
  });

  it('shows what was refused: by the patient’s id, or by that of anything of theirs', async () => {
    const entry = await world.resource(nia, harbour, { resourceType: 'Condition' });
    const refused = { outcome: 'scope-insufficient', status: 403, patients: null };
    await audited({ ...refused, resource_type: 'Patient', resource_id: nia });
    await audited({
      ...refused,
      resource_type: 'Condition',
      resource_id: entry,
      client_id: 'view-1',
      outcome: 'connection-none',
      connection_id: null,
      organisation_id: null,
    });
    // Neither what only looks like the patient's, nor what is no id at all.
    await audited({
      ...refused,
      resource_type: 'Condition',
      resource_id: `${nia.slice(0, 8)}-0000-8000-8000-000000000000`,
    });
    await audited({ ...refused, resource_type: 'Condition', resource_id: `${nia.slice(0, 8)}' or 1=1` });
    const page = textOf((await client.get('/my/access?show=refused')).body);
    assert.match(
      page,
      /=Viewer \(Postwise Ltd\) For No organisation that we know of .* 1 time, of which 1 refused/,
    );
    assert.match(page, /Hybrid Mail \(Postwise Ltd\) For Harbour Trust .* 1 time, of which 1 refused/);
    assert.match(
      textOf((await client.get('/my/access/entries?system=view-1')).body),
      /Tried to read problems and diagnoses What came of it Refused: no access had been granted/,
    );
  });

  it('shows who asked for the patient by number, was refused or found nothing, each time once', async () => {
    const number = '9434765919';
    const content = { identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: number }] };
    await db.database.owner.query(
      `update resource set content = (content::jsonb || $2::jsonb)::text where id = $1 and type = 'Patient'`,
      [nia, JSON.stringify(content)],
    );
    const [hashed] = hashNumbers(service.context.secrets, [number]);
    const far = { organisation_id: moor, client_id: 'view-1', connection_id: null, patients: null };
    const search = { ...far, interaction: 'search-type', resource_type: 'Patient' };
    await audited({
      ...search,
      outcome: 'scope-insufficient',
      status: 403,
      named: ['#aaaaaaaaaaaaaa', hashed],
    });
    await audited({ ...search, named: [hashed] });
    const link = { ...far, interaction: '$register', resource_type: 'Patient', named: [hashed] };
    await audited({ ...link, outcome: 'birth-date-mismatch', status: 422 });
    // Named twice over, and somebody else's number.
    await audited({ named: [nia, hashed] });
    const staff = { ...far, kind: 'page', client_id: null, account_id: pat, resource_type: null };
    await audited({
      ...staff,
      interaction: 'launch',
      outcome: 'patient-not-found',
      status: 303,
      named: [hashed],
    });
    await audited({ ...search, named: ['#bbbbbbbbbbbbbb'] });
    const page = await client.get('/my/access');
    assert.match(
      textOf(page.body),
      /=Viewer \(Postwise Ltd\) For Moor Surgery, where you are not registered Why Sends letters How often 3 times, of which 2 refused, of which 1 found nothing of yours, last [^A]*Asked for Patients’ details Tried to write Patients’ details/,
    );
    assert.match(
      textOf(page.body),
      /Hybrid Mail \(Postwise Ltd\) For Harbour Trust Why .* How often 1 time,/,
    );
    assert.deepEqual(await htmlProblems(page.body), []);
    const entries = textOf((await client.get(`/my/access/entries?system=view-1&for=${moor}`)).body);
    assert.match(entries, /Refused: the date of birth that it gave is not yours/);
    assert.match(entries, /Found nothing of yours/);
    assert.match(page.body, new RegExp(`<option value="${moor}"`));
    const launch = textOf((await client.get(`/my/access/entries?person=${pat}&for=${moor}`)).body);
    assert.match(launch, /Tried to open your record from their own system/);
    assert.match(launch, /Refused: you are not registered with the organisation/);
  });

  it('shows who tried to send a file for one of the patient’s letters', async () => {
    const letter = await world.letter(nia, harbour);
    const later = await world.letter(nia, harbour, { delayDays: 30 });
    const refused = {
      interaction: 'create',
      resource_type: 'Binary',
      outcome: 'scope-insufficient',
      status: 403,
      patients: null,
    };
    await audited({ ...refused, named: [letter] });
    await audited({ ...refused, named: [later] });
    await audited({
      ...refused,
      named: [await world.letter(await world.patient({ organisations: [harbour] }), harbour)],
    });
    const page = await client.get('/my/access?show=refused');
    assert.match(textOf(page.body), /1 (time|call)/);
    const entries = textOf((await client.get(`/my/access/entries?system=mail-1&for=${harbour}`)).body);
    assert.equal(
      [...entries.matchAll(/Tried to add/g)].length,
      1,
      'a letter that is not shown yet is not told of',
    );
  });

  it('leaves out the patient’s own doings, and everybody else’s', async () => {
    const other = await world.patient({ organisations: [harbour] });
    await audited({ patients: [other] });
    await audited({ kind: 'page', interaction: 'my-letter', client_id: null, account_id: randomUUID() });
    await audited({ kind: 'page', interaction: 'join-codes', client_id: null });
    assert.match(textOf((await client.get('/my/access')).body), /Nobody has looked in this time/);
    await audited({ patients: [other, nia] });
    const page = await client.get('/my/access');
    assert.deepEqual(headings(page.body), ['Hybrid Mail (Postwise Ltd)']);
    assert.ok(!page.body.includes(other));
  });

  it('can be narrowed by time, organisation, result and name', async () => {
    await audited({}, 2);
    await audited({ client_id: 'view-1', organisation_id: moor, connection_id: null }, 20);
    await audited(
      { client_id: 'view-1', organisation_id: moor, connection_id: null, outcome: 'not-found', status: 404 },
      300,
    );
    const shown = async (query: string) => headings((await client.get(`/my/access?${query}`)).body).length;
    assert.equal(await shown(''), 2);
    assert.equal(await shown('period=week'), 1);
    assert.equal(await shown(`period=year&organisation=${moor}&show=refused`), 1);
    assert.equal(await shown('show=refused'), 0);
    assert.equal(await shown('search=hybrid'), 1);
    assert.equal(await shown('search=MOOR'), 1);
    assert.equal(await shown('search=%25&period=all'), 0);
    assert.match(textOf((await client.get('/my/access?search=nothing')).body), /Nothing matches/);
    for (const odd of ['period=never', 'organisation=x', 'show=x', 'page=-1'])
      assert.equal(await shown(odd), 2, odd);
  });

  it('lists each time with its reference, page by page', async () => {
    const references: string[] = [];
    for (let made = 0; made < 55; made++) references.unshift(await audited());
    const page = await client.get(`/my/access/entries?system=mail-1&for=${harbour}`);
    assert.match(textOf(page.body), /Showing 1 to 50 of 55 times/);
    const second = await client.get(`/my/access/entries?system=mail-1&for=${harbour}&page=2`);
    const found = [page, second].flatMap(({ body }) =>
      [...body.matchAll(/cs-code nhsuk-body-s">([^<]+)</g)].map(([, id]) => id),
    );
    assert.deepEqual(found, references);
    assert.deepEqual(await htmlProblems(second.body), []);
  });

  it('can be downloaded whole, with nothing that a spreadsheet would run', async () => {
    await audited({ client_id: 'view-1', connection_id: null });
    for (let made = 0; made < 1100; made += 100) {
      await db.database.owner.query(
        `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, client_id, patients, hash)
         select $1, $2 + n, now() - interval '1 hour', 'r' || n, 'fhir', 'read', 'allowed', 200, 'mail-1', array[$3::uuid], ''
           from generate_series(1, 100) n`,
        [chain, sequence, nia],
      );
      sequence += 100;
    }
    const { body, headers } = await client.get('/my/access/download?period=all');
    const lines = body.trim().split('\r\n');
    assert.equal(lines.length, 1 + 1 + 1100);
    assert.equal(lines[0], 'When,Who,For whom,What,What came of it,Why,Reference');
    assert.match(
      lines[1]!,
      /^[\dT:.Z-]+,'=Viewer \(Postwise Ltd\),Harbour Trust,Read .*,Allowed,Sends letters,[0-9a-f-]{36}$/,
    );
    assert.match(String(headers['content-type']), /^text\/csv/);
    assert.equal(service.audit.at(-1)?.interaction, 'my-access');
  });

  it('is for nobody who is not signed in', async () => {
    for (const path of ['/my/access', '/my/access/entries', '/my/access/download']) {
      assert.match(String((await service.client().get(path)).headers.location), /^\/my\/sign-in\?next=/);
    }
  });

  it('writes CSV as RFC 4180 has it', () => {
    assert.equal(
      csvLine(['a', null, 'b,c', 'say "x"', 'two\nlines']),
      'a,,"b,c","say ""x""","two\nlines"\r\n',
    );
    assert.equal(csvLine(['=1+1', '+1', '-1', '@x', '\tx']), "'=1+1,'+1,'-1,'@x,'\tx\r\n");
    // Some spreadsheets read full-width signs as their narrow ones, and a line's end before one as nothing.
    assert.equal(csvLine(['＝1', '＋1', '－1', '＠x', '\n=1']), "'＝1,'＋1,'－1,'＠x,\"'\n=1\"\r\n");
  });
});
