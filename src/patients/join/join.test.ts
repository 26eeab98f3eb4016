import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import { type PageClient, textOf } from '../../../test/support/page-client.ts';
import {
  PASSWORD,
  type PatientsApp,
  type PatientsWorld,
  patientsApp,
  patientsWorld,
} from '../../../test/support/patients-app.ts';

describe('joining', () => {
  let db: TestDatabase;
  let service: PatientsApp;
  let world: PatientsWorld;
  let harbour: string;
  let numbered = 0;
  before(async () => {
    db = await testDatabase();
    service = await patientsApp(db.database);
    world = patientsWorld(db.database);
    harbour = await world.organisation('Harbour Trust');
  });
  after(async () => {
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    await db.database.owner.query('delete from attempt');
    service.audit.length = 0;
  });

  const one = async <Row>(sql: string, values: unknown[] = []): Promise<Row> =>
    (await db.database.owner.query(sql, values)).rows[0] as Row;
  const email = () => `person${++numbered}@example.org`;

  async function invited(options: Parameters<PatientsWorld['patient']>[0] | object = {}) {
    const patientId = await world.patient({ organisations: [harbour], ...options });
    return { patientId, ...(await world.invitation(patientId, harbour)) };
  }

  async function giveCodes(client: PageClient, { code, token }: { code: string; token: string }) {
    await client.get('/join');
    return client.post('/join', { code, token });
  }
  const giveDate = (client: PageClient, day = '31', month = '3', year = '1980') =>
    client.post('/join/date-of-birth', { day, month, year });
  const giveAccount = (client: PageClient, address: string, password = PASSWORD) =>
    client.post('/join/account', { email: address, password });

  async function linkFor(address: string): Promise<string> {
    const message = await service.messageTo(address);
    return /\/join\/confirm\?link=[\w-]+/.exec(message?.text ?? '')![0];
  }
  async function confirm(client: PageClient, path: string) {
    await client.get(path);
    return client.post('/join/confirm', { link: path.split('link=')[1]! });
  }
  /** Everything up to the message. */
  async function upToLink(invitation: { code: string; token: string }, address = email()) {
    const client = service.client();
    await giveCodes(client, invitation);
    await giveDate(client);
    const response = await giveAccount(client, address);
    assert.equal(response.headers.location, '/join/check-email');
    return { client, address, link: await linkFor(address) };
  }

  it('leads from two codes, through date of birth, address and password, to the patient’s own pages', async () => {
    const { patientId, id, code, token } = await invited();
    const client = service.client();
    const typed = { code: ` ${code.slice(0, 5).toLowerCase()} ${code.slice(5)}`, token: token.toLowerCase() };
    assert.equal((await giveCodes(client, typed)).headers.location, '/join/date-of-birth');
    assert.equal((await giveDate(client, '31', 'March')).headers.location, '/join/account');
    const address = email();
    assert.equal((await giveAccount(client, address.toUpperCase())).headers.location, '/join/check-email');
    const done = await confirm(client, await linkFor(address));
    assert.equal(done.headers.location, '/my/sign-in');
    assert.match(textOf((await client.get('/my/sign-in')).body), /Your email address is confirmed/);
    assert.equal((await client.post('/my/sign-in', { email: address, password: PASSWORD })).statusCode, 303);

    const account = await one<{ patient_id: string }>('select * from patient_account where email = $1', [
      address,
    ]);
    assert.equal(account.patient_id, patientId);
    const kept = await one<{ used_at: Date; joined_at: Date }>(
      'select i.used_at, p.joined_at from invitation i join patient p on p.id = i.patient_id where i.id = $1',
      [id],
    );
    assert.ok(kept.used_at && kept.joined_at);
    assert.match((await service.messageTo(address))?.subject ?? '', /You have joined/);
    assert.deepEqual(
      service.audit.map(({ interaction, outcome }) => `${interaction} ${outcome}`),
      ['join-codes', 'join-birth-date', 'join-account', 'join-confirm', 'my-sign-in'].map(
        (did) => `${did} allowed`,
      ),
    );
    assert.ok(service.audit.every(({ patients }) => patients?.[0] === patientId));
  });

  it('keeps neither codes, nor password, nor address in audit, pages or messages about health', async () => {
    const invitation = await invited({ given: 'Gwendolen', family: 'Featherstonehaugh' });
    const { address } = await upToLink(invitation);
    const message = await service.messageTo(address);
    const everything = JSON.stringify([service.audit, message]);
    for (const secret of [
      invitation.code,
      invitation.token,
      PASSWORD,
      'Gwendolen',
      'Featherstonehaugh',
      'Harbour',
    ]) {
      assert.ok(!everything.includes(secret), secret);
    }
    assert.ok(!JSON.stringify(service.audit).includes(address));
    const stored = JSON.stringify(await one('select * from invitation where id = $1', [invitation.id]));
    assert.ok(!stored.includes(invitation.code) && !stored.includes(invitation.token));
  });

  it('makes no account before the address is confirmed, and none by a link that is only looked at', async () => {
    const { patientId, ...invitation } = await invited();
    const { client, link } = await upToLink(invitation);
    await client.get(link);
    await service.app.inject({ method: 'HEAD', url: link });
    const { joined_at } = await one<{ joined_at: Date | null }>(
      'select joined_at from patient where id = $1',
      [patientId],
    );
    assert.equal(joined_at, null);
    assert.equal((await confirm(client, link)).headers.location, '/my/sign-in');
  });

  it('uses an invitation once, however many confirm at once', async () => {
    const { patientId, ...invitation } = await invited();
    const other = await world.invitation(patientId, harbour);
    const first = await upToLink(invitation);
    const second = await upToLink(invitation);
    const third = await upToLink(other);
    const answers = await Promise.all(
      [first, second, third, first, second, third].map(async ({ link }) => {
        const client = service.client();
        return (await confirm(client, link)).statusCode;
      }),
    );
    assert.equal(answers.filter((status) => status === 303).length, 1, answers.join());
    const { count } = await one<{ count: number }>(
      'select count(*) from patient_account where patient_id = $1',
      [patientId],
    );
    assert.equal(count, 1);
  });

  it('takes a link once, for 24 hours', async () => {
    const { client, link } = await upToLink(await invited());
    assert.equal((await confirm(client, link)).statusCode, 303);
    const again = await client.get(link);
    assert.equal(again.statusCode, 410);
    assert.match(textOf(again.body), /This link does not work any more/);

    const late = await upToLink(await invited());
    service.later(24 * 3600);
    assert.equal((await confirm(late.client, late.link)).statusCode, 410);
    assert.equal((await late.client.get('/join/confirm?link=short')).statusCode, 410);
  });

  it('says to who holds both codes what became of the invitation, and what to do', async () => {
    const set = (id: string, what: string) =>
      db.database.owner.query(`update invitation set ${what} where id = $1`, [id]);
    const cases: [string, RegExp][] = [
      ['used_at = now()', /This invitation has been used.*sign in/],
      [`expires_at = now() - interval '1 second'`, /This invitation has ended.*Ask the organisation/],
      [`revoked_at = now(), revoke_reason = 'replaced'`, /There is a newer invitation/],
      [
        `revoked_at = now(), revoke_reason = 'attempts'`,
        /does not work any more.*date of birth was given too often/,
      ],
      [`revoked_at = now(), revoke_reason = 'withdrawn'`, /has been withdrawn/],
      [`revoked_at = now(), revoke_reason = 'joined'`, /has been used/],
    ];
    for (const [what, words] of cases) {
      const { id, code, token } = await invited();
      await set(id, what);
      const client = service.client();
      const both = await giveCodes(client, { code, token });
      assert.equal(both.statusCode, 410);
      assert.match(textOf(both.body), words);
      assert.deepEqual(await htmlProblems(both.body), []);
      // With one code right, nothing is told: the same page as for codes of nobody's.
      const half = await giveCodes(client, { code, token: 'CDFGHJKMNP' });
      await db.database.owner.query('delete from attempt');
      const none = await giveCodes(client, { code: 'CDFGHJKMNP', token: 'CDFGHJKMNP' });
      assert.equal(half.statusCode, 422);
      assert.equal(textOf(half.body).replaceAll(code, ''), textOf(none.body).replaceAll('CDFGHJKMNP', ''));
    }
  });

  it('goes no further with an invitation that ended on the way', async () => {
    const invitation = await invited();
    const client = service.client();
    await giveCodes(client, invitation);
    await giveDate(client);
    const { link } = await upToLink(invitation);
    await db.database.owner.query(
      `update invitation set revoked_at = now(), revoke_reason = 'withdrawn' where id = $1`,
      [invitation.id],
    );
    assert.equal((await giveDate(client)).statusCode, 410);
    assert.equal((await giveAccount(client, email())).statusCode, 410);
    assert.equal((await confirm(client, link)).statusCode, 410);
  });

  it('refuses under-16s and those who have died, only after the date of birth is known', async () => {
    const year = String(new Date().getUTCFullYear() - 15);
    const child = await invited({ birthDate: `${year}-03-31` });
    const client = service.client();
    assert.equal((await giveCodes(client, child)).statusCode, 303);
    const young = await giveDate(client, '31', '3', year);
    assert.equal(young.statusCode, 403);
    assert.match(textOf(young.body), /16 or over/);
    assert.equal((await client.get('/join/account')).headers.location, '/join');

    const deceased = await invited({ deceased: true });
    await giveCodes(client, deceased);
    const died = await giveDate(client);
    assert.equal(died.statusCode, 403);
    assert.doesNotMatch(textOf(died.body), /died|deceased|death/i);
    assert.equal((await giveAccount(client, email())).headers.location, '/join');
  });

  it('refuses, at the last step too, who died or turned out younger meanwhile', async () => {
    for (const change of ['deceased = true', `birth_date = current_date - interval '15 years'`]) {
      const { patientId, ...invitation } = await invited();
      const { client, link } = await upToLink(invitation);
      await db.database.owner.query(`update patient set ${change} where id = $1`, [patientId]);
      assert.equal((await confirm(client, link)).statusCode, 403);
    }
  });

  it('stops an invitation after six wrong dates of birth, however they are spread over days and networks', async () => {
    const invitation = await invited();
    for (let tried = 1; tried <= 6; tried++) {
      const client = service.client(`203.0.113.${tried}`);
      await giveCodes(client, invitation);
      const wrong = await giveDate(client, String(tried));
      assert.equal(wrong.statusCode, tried < 6 ? 422 : 410);
      if (tried === 5) assert.match(textOf(wrong.body), /You have one more try/);
      service.later(2 * 86_400);
    }
    const client = service.client();
    assert.equal((await giveCodes(client, invitation)).statusCode, 410);
  });

  it('counts a hundred tries at once as a hundred', async () => {
    const invitation = await invited();
    const client = service.client();
    await giveCodes(client, invitation);
    await client.get('/join/date-of-birth');
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        giveDate(client, String((n % 28) + 1), '4').then((r) => r.statusCode),
      ),
    );
    assert.ok(!answers.includes(303));
    const { birth_date_failures } = await one<{ birth_date_failures: number }>(
      'select birth_date_failures from invitation where id = $1',
      [invitation.id],
    );
    assert.equal(birth_date_failures, 6);
    assert.equal((await giveDate(client)).statusCode, 410);
  });

  it('limits tries for one pair, whatever the network', async () => {
    const { code } = await invited();
    let waited = 0;
    for (let tried = 1; tried <= 8; tried++) {
      const answer = await giveCodes(service.client(`198.51.100.${tried}`), { code, token: 'CDFGHJKMNP' });
      if (answer.statusCode === 429) waited++;
    }
    assert.ok(waited >= 3);
    const refusal = service.audit.findLast(({ outcome }) => outcome === 'too-many-attempts');
    assert.equal(refusal?.status, 429);
  });

  it('limits tries from one network, whatever the codes', async () => {
    const statuses: number[] = [];
    for (let tried = 0; tried < 25; tried++) {
      const code = `CDFGHJKM${'CDFGHJKMNPQRTWXY34679'[tried % 21]}${'CDFGHJKMNPQRTWXY34679'[(tried * 7) % 21]}`;
      statuses.push((await giveCodes(service.client('192.0.2.7'), { code, token: code })).statusCode);
    }
    assert.ok(
      statuses.slice(20).every((status) => status === 429),
      statuses.join(),
    );
    // Somebody else, somewhere else, is not held up.
    assert.equal((await giveCodes(service.client('192.0.2.99'), await invited())).statusCode, 303);
  });

  it('lets nobody else wait for what one network is refused', async () => {
    const attempts = () =>
      one<{ failures: number }>(
        `select coalesce(max(failures), 0)::integer as failures from attempt where purpose = 'join-all'`,
        [],
      );
    const before = (await attempts()).failures;
    for (let tried = 0; tried < 40; tried++) {
      const code = `CDFGHJKN${'CDFGHJKMNPQRTWXY34679'[tried % 21]}${'CDFGHJKMNPQRTWXY34679'[(tried * 5) % 21]}`;
      await giveCodes(service.client('192.0.2.8'), { code, token: code });
    }
    assert.ok((await attempts()).failures - before <= 20);
  });

  it('asks again, in plain words, for what is missing or cannot be', async () => {
    const client = service.client();
    const cases: [Record<string, string>, RegExp][] = [
      [{ code: '', token: '' }, /Enter your invitation code.*Enter your access code/],
      [{ code: 'ABC', token: 'CDFGHJKMNP' }, /Check the invitation code: it has 10 letters and numbers/],
      [{ code: 'CDFGHJKMNP', token: '0123456789' }, /Check the access code/],
    ];
    for (const [typed, words] of cases) {
      await client.get('/join');
      const answer = await client.post('/join', typed);
      assert.equal(answer.statusCode, 422);
      assert.match(textOf(answer.body), words);
      assert.deepEqual(await htmlProblems(answer.body), []);
    }
    const invitation = await invited();
    await giveCodes(client, invitation);
    assert.match(textOf((await giveDate(client, '31', '2')).body), /Enter your date of birth, for example/);
    assert.match(textOf((await giveDate(client, '1', '1', '2999')).body), /must be in the past/);
    await giveDate(client);
    assert.match(textOf((await giveAccount(client, 'nobody')).body), /Enter an email address like/);
    assert.match(textOf((await giveAccount(client, email(), 'short')).body), /12 characters or more/);
  });

  it('shows the same page whether or not the address has an account, and tells its owner', async () => {
    const { address } = await upToLink(await invited()).then(async (first) => {
      await confirm(first.client, first.link);
      return first;
    });
    const client = service.client();
    await giveCodes(client, await invited());
    await giveDate(client);
    const answer = await giveAccount(client, address);
    assert.equal(answer.headers.location, '/join/check-email');
    const message = await service.messageTo(address);
    assert.match(message?.subject ?? '', /already have an account/);
    assert.doesNotMatch(message?.text ?? '', /confirm\?link/);
  });

  it('gives an address to one of two people who confirm it', async () => {
    const address = email();
    const first = await upToLink(await invited(), address);
    const second = await upToLink(await invited(), address);
    assert.equal((await confirm(first.client, first.link)).statusCode, 303);
    assert.equal((await confirm(second.client, second.link)).statusCode, 410);
  });

  it('leads who skips a step back to the beginning', async () => {
    const client = service.client();
    for (const path of ['/join/date-of-birth', '/join/account']) {
      assert.equal((await client.get(path)).headers.location, '/join');
    }
    await client.get('/join');
    assert.equal((await giveDate(client)).headers.location, '/join');
    assert.equal((await giveAccount(client, email())).headers.location, '/join');
    await giveCodes(client, await invited());
    assert.equal(
      (await giveAccount(client, email())).headers.location,
      '/join',
      'the date of birth is missing',
    );
    const ticket = client.cookies.get('join')!;
    client.cookies.set('join', ticket.replace('-codes-', '-agreed-'));
    assert.equal((await client.get('/join/account')).headers.location, '/join', 'a forged ticket is none');
    client.cookies.set('join', ticket);
    service.later(31 * 60);
    assert.equal((await client.get('/join/date-of-birth')).headers.location, '/join', 'after half an hour');
  });

  it('sends no flood of messages for one invitation', async () => {
    const client = service.client();
    await giveCodes(client, await invited());
    await giveDate(client);
    const statuses = [];
    for (let sent = 0; sent < 7; sent++) statuses.push((await giveAccount(client, email())).statusCode);
    assert.deepEqual(statuses, [303, 303, 303, 303, 303, 429, 429]);
  });

  it('refuses a form that did not come from its pages', async () => {
    const { code, token } = await invited();
    const client = service.client();
    await client.get('/join');
    assert.equal((await client.post('/join', { code, token, _csrf: 'x' })).statusCode, 403);
    const crossSite = await client.post('/join', { code, token }, { 'sec-fetch-site': 'cross-site' });
    assert.equal(crossSite.statusCode, 403);
  });

  it('has pages of valid HTML', async () => {
    const client = service.client();
    for (const path of ['/join', '/join/check-email', '/my/sign-in']) {
      assert.deepEqual(await htmlProblems((await client.get(path)).body), [], path);
    }
    await giveCodes(client, await invited());
    assert.deepEqual(await htmlProblems((await client.get('/join/date-of-birth')).body), []);
    assert.deepEqual(await htmlProblems((await giveDate(client, '1')).body), []);
    await giveDate(client);
    assert.deepEqual(await htmlProblems((await client.get('/join/account')).body), []);
  });
});
