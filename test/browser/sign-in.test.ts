import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { axeClean, openBrowser, overflowOf, screenshot, type Visit } from '../support/browser.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { htmlProblems } from '../support/html.ts';
import { addOrganisation, addStaff, PASSWORD, type SignInApp, signInApp } from '../support/sign-in-app.ts';

/** The password that lost@example.org has becomes one that an operator made. */
const ONE_TIME = `update account set password_expires_at = $1::timestamptz + interval '1 hour' where email = 'lost@example.org'`;

describe('signing in, in a browser', () => {
  let db: TestDatabase;
  let service: SignInApp;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let baseUrl: string;
  const visits: Visit[] = [];

  before(async () => {
    db = await testDatabase();
    const harbour = await addOrganisation(
      db.database,
      'ZX1',
      'Harbour and District Community Hospitals Trust',
    );
    const moor = await addOrganisation(db.database, 'ZX2', 'Moor Surgery');
    await addStaff(db.database, {
      email: 'ada@example.org',
      name: 'Ada Featherstonehaugh',
      roles: [
        [harbour, 'administrator'],
        [moor, 'professional'],
      ],
      totp: true,
    });
    await addStaff(db.database, {
      email: 'new@example.org',
      name: 'Nia New',
      roles: [[moor, 'administrator']],
    });
    await addStaff(db.database, {
      email: 'lost@example.org',
      name: 'Lou Lost',
      roles: [[moor, 'professional']],
    });
    service = await signInApp(db.database);
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    baseUrl = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`;
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    await db.database.owner.query('update account set totp_last_step = null');
    await db.database.owner.query('delete from attempt');
  });

  async function visit(options: { script?: boolean; width?: number } = {}) {
    const visited = await browser.visit({ baseUrl, ...options });
    visits.push(visited);
    return visited;
  }

  async function sendPassword(page: Page, email: string) {
    await page.goto('/account');
    await page.getByLabel('Email address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function signInAsAda(page: Page) {
    await sendPassword(page, 'ada@example.org');
    await page.getByLabel('Enter your sign-in code').fill(service.code());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByLabel('Harbour and District Community Hospitals Trust').check();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'My account' }).waitFor();
  }

  for (const script of [true, false]) {
    it(`works from password to account to sign-out, ${script ? 'with' : 'without'} script`, async () => {
      const { page, problems } = await visit({ script });
      await signInAsAda(page);
      assert.equal(new URL(page.url()).pathname, '/account');
      await page.getByRole('link', { name: /change organisation/ }).click();
      await page.getByLabel('Moor Surgery').check();
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.goto('/account');
      assert.match((await page.getByRole('banner').textContent()) ?? '', /Moor Surgery[\s\S]*Professional/);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You have signed out').waitFor();
      await page.goto('/account');
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      assert.deepEqual(problems, []);
    });
  }

  it('works by keyboard alone', async () => {
    const { page } = await visit();
    await page.goto('/sign-in');
    const press = async (times: number) => {
      for (let key = 0; key < times; key++) await page.keyboard.press('Tab');
    };
    await press(1);
    assert.equal(await page.evaluate('document.activeElement.textContent.trim()'), 'Skip to main content');
    await page.keyboard.press('Enter');
    await press(1);
    await page.keyboard.type('new@example.org');
    await press(1);
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Set up sign-in codes' }).waitFor();
  });

  it('moves to what was wrong, and names it in the title', async () => {
    const { page } = await visit();
    await page.goto('/sign-in');
    await page.getByLabel('Email address').fill('ada@example.org');
    await page.getByLabel('Password', { exact: true }).fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    assert.match(await page.title(), /^Error: Sign in/);
    assert.equal(await page.getByLabel('Email address').inputValue(), 'ada@example.org');
    assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '');
    await page.getByRole('link', { name: /not right/ }).click();
    assert.equal(await page.evaluate('document.activeElement.id'), 'email');
  });

  it('is clean under axe, correct HTML, and fits a window of 320 pixels, on every page', async () => {
    const seen = [];
    for (const width of [1280, 320]) {
      const { page, source } = await visit({ width });
      const check = async (name: string) => {
        await axeClean(page);
        assert.equal(await overflowOf(page), 0, `${name} at ${width}`);
        assert.deepEqual(await htmlProblems(await source()), [], name);
        await screenshot(page, name, width);
        seen.push(name);
      };
      await page.goto('/sign-in');
      await check('sign-in');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').waitFor();
      await check('sign-in-errors');
      await page.goto('/nowhere');
      await check('not-found');
      await sendPassword(page, 'ada@example.org');
      await check('sign-in-code');
      await page.getByLabel('Enter your sign-in code').fill(service.code());
      await page.getByRole('button', { name: 'Continue' }).click();
      await check('choose-organisation');
      await page.getByLabel('Moor Surgery').check();
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.goto('/account');
      await check('account');
      await page.goto('/account/password');
      await check('change-password');
      await page.goto('/admin');
      await check('role-needed');
      await page.context().clearCookies();
      await sendPassword(page, 'new@example.org');
      await check('set-up-code');
      await db.database.owner.query('update account set totp_last_step = null');
      await page.context().clearCookies();
      await db.database.owner.query(ONE_TIME, [service.clock.now]);
      await sendPassword(page, 'lost@example.org');
      await check('new-password');
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.getByRole('alert').waitFor();
      await check('new-password-errors');
    }
    assert.equal(seen.length, 22);
  });

  for (const script of [true, false]) {
    it(`leads from a one-time password to work, ${script ? 'with' : 'without'} script`, async () => {
      const { page } = await visit({ script });
      await db.database.owner.query(ONE_TIME, [service.clock.now]);
      await sendPassword(page, 'lost@example.org');
      await page.getByLabel('New password', { exact: true }).fill(PASSWORD.toUpperCase());
      await page.getByLabel('New password again').fill(PASSWORD.toUpperCase());
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.getByRole('heading', { name: 'My account' }).waitFor();
      await db.database.owner.query(
        `update account set password_hash = (select password_hash from account where email = 'new@example.org')
          where email = 'lost@example.org'`,
      );
    });
  }

  it('keeps the browser quiet and asks nobody else for anything', () => {
    assert.ok(visits.length > 0);
    assert.deepEqual(
      visits.flatMap(({ problems }) => problems),
      [],
    );
  });
});
