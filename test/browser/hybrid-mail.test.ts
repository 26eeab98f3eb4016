import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readTable } from '../../examples/shared/csv.ts';
import { freePort } from '../../examples/tour/free-port.ts';
import { type Product, startProduct } from '../../examples/tour/start-product.ts';
import { openBrowser } from '../support/browser.ts';
import { eventually, startChild } from '../support/child.ts';
import { heading, storyOf } from '../support/story.ts';

const LETTERS = new URL('../../examples/hybrid-mail/letters/', import.meta.url);
const example = (name: string) =>
  fileURLToPath(new URL(`../../examples/${name}/${name}.ts`, import.meta.url));
const PRACTICE = 'Z99901';
const HOSPITAL = 'ZX1';

describe('the stories of the example systems, as administrators and patients meet them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hybrid-mail-'));
  const out = join(folder, 'out');
  let product: Product;
  let story: ReturnType<typeof storyOf>;
  let browser: Awaited<ReturnType<typeof openBrowser>>;

  before(async () => {
    product = await startProduct({ PUSH_TO_LOOPBACK: 'true' });
    browser = await openBrowser();
    story = storyOf(product, browser);
    // One letter of those that come with the program, to one patient, so that it has one receipt to wait for.
    const [heading, , line] = readFileSync(new URL('letters.csv', LETTERS), 'utf8').split('\n');
    writeFileSync(join(folder, 'letters.csv'), `${heading}\n${line}\n`);
    writeFileSync(join(folder, 'clinic-date.pdf'), readFileSync(new URL('clinic-date.pdf', LETTERS)));
  });
  after(async () => {
    await browser?.close();
    await product?.stop();
    rmSync(folder, { recursive: true });
  });

  const hybridMail = (...args: string[]) =>
    startChild(example('hybrid-mail'), {
      args: ['--organisation', PRACTICE, '--folder', folder, '--out', out, ...args],
      env: { DEMO_FILE: product.demoFile },
    });

  it('hybrid mail is refused, granted, sends, invites, waits, sees the letter read, is revoked and refused', async () => {
    const early = hybridMail();
    assert.equal((await early.end()).code, 3, early.output());
    assert.match(early.output(), /connection-none/);

    const staff = await story.administrator(PRACTICE);
    await staff.getByRole('button', { name: 'Add connection' }).click();
    await staff.getByLabel('Third-party system name, company name or client ID').fill('postbridge letters');
    await staff.getByRole('button', { name: 'Search' }).click();
    await staff.getByRole('button', { name: /Grant access/ }).click();
    await heading(staff, 'Review Postbridge Letters');
    await staff.getByRole('button', { name: 'Grant access' }).click();
    await heading(staff, 'Access granted');

    // So rarely is asked that only a notification can tell in time.
    const byPush = [
      '--wait',
      '10',
      '--every',
      '3600',
      '--push',
      `http://127.0.0.1:${await freePort()}/letters`,
    ];
    const stopped = hybridMail(...byPush);
    await stopped.says(/Waiting for 1 to be read/);
    await stopped.says(/Handshake/);
    assert.equal((await stopped.end('SIGINT')).code, 0, stopped.output());
    assert.match(stopped.output(), /sent now: +1\n[\s\S]*invited now: 1,/);

    const waiting = hybridMail(...byPush);
    await waiting.says(/Waiting for 1 to be read/);
    assert.match(waiting.output(), /sent now: +0\n +there already: +1\n[\s\S]*invited now: 0,/);
    await staff.goto('/connected-systems');
    await staff.getByRole('link', { name: 'Postbridge Letters', exact: true }).click();
    const told = staff.getByRole('row', { name: /A patient opens a letter.*Working/ });
    await told.waitFor();

    const [row] = readTable(join(out, 'invitations.csv'), ['nhs_number', 'code', 'token']);
    const invitation = { code: row!.cell('code'), token: row!.cell('token') };
    const person = story.demo.patients.find(({ nhsNumber }) => nhsNumber === row!.cell('nhs_number'))!;

    const { page, problems } = await story.join(invitation, person.birthDate, 'tariq@example.org');
    await page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Letters' }).click();
    await page.getByRole('link', { name: 'Your clinic appointment' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ]);
    assert.deepEqual(
      readFileSync(await download.path()),
      readFileSync(new URL('clinic-date.pdf', LETTERS)),
      'what the patient has is what was sent',
    );
    assert.deepEqual(problems, []);

    await waiting.says(/Read on screen: 1\n {2}ASH-2026-0002 {2}read 20/);
    assert.equal((await waiting.end()).code, 0, waiting.output());
    assert.match(waiting.output(), /To be posted: 0\n/);

    // The hours are over: a letter that was read is not posted, nor sent, nor anybody invited again.
    const again = hybridMail('--hours', '0');
    assert.equal((await again.end()).code, 0, again.output());
    assert.match(again.output(), /sent now: +0\n +there already: +1\n/);
    assert.match(again.output(), /invited now: 0, invited before: 0\n[\s\S]*To be posted: 0\n/);

    assert.equal(await story.number(staff, 'Postbridge Letters', 'Notifications delivered'), '1');
    await story.revoke(staff, 'Postbridge Letters');
    const late = hybridMail();
    assert.equal((await late.end()).code, 3, late.output());
    assert.match(late.output(), /connection-revoked/);
    // The letter stays with the patient: a revoke takes nothing back.
    await page.goto('/my/letters');
    await eventually(
      async () => (await page.getByRole('link', { name: 'Your clinic appointment' }).count()) === 1,
    );
  });

  it('a patient checks in at the kiosk, joins with both codes, is counted, and the kiosk is revoked', async () => {
    const kiosk = (...args: string[]) =>
      startChild(example('kiosk'), {
        args: ['--organisation', HOSPITAL, '--out', join(folder, 'kiosk'), ...args],
        env: { DEMO_FILE: product.demoFile },
      });
    const { publicId } = story.organisationOf(HOSPITAL);
    const visitor = story.demo.patients.find(
      ({ organisations, email, birthDate }) =>
        organisations.includes(publicId) && !email && Number(birthDate.slice(0, 4)) < 2000,
    )!;
    const typed = (birthDate: string) => [
      ...['--nhs-number', visitor.nhsNumber, '--birth-date', birthDate],
      ...['--email', 'nia@example.org', '--mobile', '07700900123'],
    ];
    const stranger = kiosk(...typed('1901-01-01'));
    assert.equal((await stranger.end()).code, 1);
    assert.match(stranger.output(), /ask at the desk/);

    // Pressed twice: the same codes, of one invitation.
    for (let times = 0; times < 2; times++) {
      const pressed = kiosk(...typed(visitor.birthDate));
      assert.equal((await pressed.end()).code, 0, pressed.output());
      assert.match(pressed.output(), /You are checked in\.\nAn invitation/);
    }
    const [, code] = /#code=(\S+)/.exec(readFileSync(join(folder, 'kiosk/email.txt'), 'utf8'))!;
    const [, token] = /health record is (\S+)\./.exec(readFileSync(join(folder, 'kiosk/sms.txt'), 'utf8'))!;
    const staff = await story.administrator(HOSPITAL);
    const made = Number(await story.number(staff, 'Arrivo Kiosk', 'Invitations made'));
    const used = Number(await story.number(staff, 'Arrivo Kiosk', 'Invitations used'));
    const { problems } = await story.join(
      { code: code!, token: token! },
      visitor.birthDate,
      'nia@example.org',
    );
    assert.deepEqual(problems, []);
    const joined = kiosk(...typed(visitor.birthDate));
    assert.equal((await joined.end()).code, 0, joined.output());
    assert.match(joined.output(), /No invitation: the patient uses their record already/);
    assert.equal(Number(await story.number(staff, 'Arrivo Kiosk', 'Invitations used')), used + 1);
    assert.equal(Number(await story.number(staff, 'Arrivo Kiosk', 'Invitations made')), made);

    await story.revoke(staff, 'Arrivo Kiosk');
    const late = kiosk(...typed(visitor.birthDate));
    assert.equal((await late.end()).code, 3, late.output());
    assert.match(late.output(), /connection-revoked/);
  });

  it('a campaign goes on where it stopped, a patient joins from two text messages, and it is revoked', async () => {
    const file = join(folder, 'patients.csv');
    const rows = readFileSync(new URL('../../sms-campaign/patients.csv', LETTERS), 'utf8').trim().split('\n');
    const campaign = (lines: number) => {
      writeFileSync(file, `${rows.slice(0, lines + 1).join('\n')}\n`);
      return startChild(example('sms-campaign'), {
        args: ['--organisation', PRACTICE, '--file', file, '--out', join(folder, 'sms')],
        env: { DEMO_FILE: product.demoFile },
      });
    };
    const staff = await story.administrator(PRACTICE);
    const before = Number(await story.number(staff, 'Arrivo Text Invitations', 'Invitations made'));
    for (const lines of [2, rows.length - 1]) {
      const run = campaign(lines);
      assert.equal((await run.end()).code, 0, run.output());
    }
    const outcomes = readTable(join(folder, 'sms/outcomes.csv'), ['nhs_number', 'outcome']);
    assert.equal(outcomes.length, rows.length - 1, 'each row has come to something once');
    const invited = outcomes.filter(({ cell }) => cell('outcome') === 'invited');
    const made = Number(await story.number(staff, 'Arrivo Text Invitations', 'Invitations made'));
    assert.equal(made, before + invited.length);

    const messages = readTable(join(folder, 'sms/outbox.csv'), ['mobile', 'text']);
    assert.equal(messages.length, 2 * invited.length);
    const nhsNumber = invited.at(-1)!.cell('nhs_number');
    const person = story.demo.patients.find((one) => one.nhsNumber === nhsNumber)!;
    const [first, second] = messages.slice(-2).map(({ cell }) => cell('text'));
    const [, code] = /invitation code (\S+) by/.exec(first!)!;
    const [, token] = /access code is (\S+)\./.exec(second!)!;
    const { problems } = await story.join(
      { code: code!, token: token! },
      person.birthDate,
      'ola@example.org',
    );
    assert.deepEqual(problems, []);
    assert.notEqual(await story.number(staff, 'Arrivo Text Invitations', 'Invitations used'), '0');

    await story.revoke(staff, 'Arrivo Text Invitations');
    writeFileSync(join(folder, 'more.csv'), `${rows[0]}\n${person.nhsNumber},07700900199\n`);
    const late = startChild(example('sms-campaign'), {
      args: ['--organisation', PRACTICE, '--file', join(folder, 'more.csv'), '--out', join(folder, 'late')],
      env: { DEMO_FILE: product.demoFile },
    });
    assert.equal((await late.end()).code, 3, late.output());
    assert.match(late.output(), /connection-revoked/);
  });
});
