import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TOTP } from 'otpauth';
import type { Page } from 'playwright-core';
import { readTable } from '../../examples/shared/csv.ts';
import { freePort } from '../../examples/tour/free-port.ts';
import { type Product, startProduct } from '../../examples/tour/start-product.ts';
import type { DemoFile } from '../../src/demo/demo-file.ts';
import { openBrowser } from '../support/browser.ts';
import { eventually, startChild } from '../support/child.ts';

const PROGRAM = fileURLToPath(new URL('../../examples/hybrid-mail/hybrid-mail.ts', import.meta.url));
const LETTERS = new URL('../../examples/hybrid-mail/letters/', import.meta.url);
const PRACTICE = 'Z99901';
const PASSWORD = 'velvet otter teapot';
const EMAIL = 'tariq@example.org';

describe('hybrid mail, from the grant to the revoke', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hybrid-mail-'));
  const out = join(folder, 'out');
  let product: Product;
  let demo: DemoFile;
  let browser: Awaited<ReturnType<typeof openBrowser>>;

  before(async () => {
    product = await startProduct({ PUSH_TO_LOOPBACK: 'true' });
    demo = product.demo as unknown as DemoFile;
    browser = await openBrowser();
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
    startChild(PROGRAM, {
      args: ['--organisation', PRACTICE, '--folder', folder, '--out', out, ...args],
      env: { DEMO_FILE: product.demoFile },
    });

  const heading = (page: Page, name: string | RegExp) =>
    page.getByRole('heading', { level: 1, name }).waitFor();

  async function administrator(): Promise<Page> {
    const { publicId } = demo.organisations.find(({ odsCode }) => odsCode === PRACTICE)!;
    const account = demo.staff.find(
      ({ role, organisation }) => role === 'administrator' && organisation === publicId,
    )!;
    const { page } = await browser.visit({ baseUrl: product.baseUrl });
    await page.goto('/sign-in');
    await page.getByLabel('Email address').fill(account.email);
    await page.getByLabel('Password', { exact: true }).fill(account.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page
      .getByRole('textbox', { name: /code/i })
      .fill(new TOTP({ secret: account.totpSecret! }).generate());
    await page.getByRole('button', { name: 'Continue' }).click();
    await heading(page, /Connected systems/i);
    return page;
  }

  async function joinRecord(page: Page, { code, token }: { code: string; token: string }, birthDate: string) {
    const [year, month, day] = birthDate.split('-').map(Number);
    await page.goto(`/join#code=${code}`);
    assert.equal(await page.getByLabel('Invitation code').inputValue(), code);
    await page.getByLabel('Access code').fill(token);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByLabel('Day').fill(String(day));
    await page.getByLabel('Month').fill(String(month));
    await page.getByLabel('Year').fill(String(year));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByLabel('Your email address').fill(EMAIL);
    await page.getByLabel('Choose a password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Continue' }).click();
    await heading(page, 'Look for our message');
    await page.getByRole('link', { name: 'outbox' }).click();
    await page
      .getByRole('link', { name: /join\/confirm/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByText('Your email address is confirmed').waitFor();
    await page.getByLabel('Email address').fill(EMAIL);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, /Hello/);
  }

  it('is refused, granted, sends, invites, waits, sees the letter read, is revoked and refused', async () => {
    const early = hybridMail();
    assert.equal((await early.end()).code, 3, early.output());
    assert.match(early.output(), /connection-none/);

    const staff = await administrator();
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
    const [row] = readTable(join(out, 'invitations.csv'), ['nhs_number', 'code', 'token']);
    const invitation = { code: row!.cell('code'), token: row!.cell('token') };
    const person = demo.patients.find(({ nhsNumber }) => nhsNumber === row!.cell('nhs_number'))!;

    const { page, problems } = await browser.visit({ baseUrl: product.baseUrl });
    await joinRecord(page, invitation, person.birthDate);
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

    await staff.goto('/connected-systems');
    await staff.getByRole('link', { name: 'Revoke access of Postbridge Letters' }).click();
    await staff.getByRole('button', { name: 'Revoke access' }).click();
    await heading(staff, 'Access revoked');
    const late = hybridMail();
    assert.equal((await late.end()).code, 3, late.output());
    assert.match(late.output(), /connection-revoked/);
    // The letter stays with the patient: a revoke takes nothing back.
    await page.goto('/my/letters');
    await eventually(
      async () => (await page.getByRole('link', { name: 'Your clinic appointment' }).count()) === 1,
    );
  });
});
