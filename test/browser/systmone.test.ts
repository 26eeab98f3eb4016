import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { codeAt } from '../../src/sign-in/index.ts';
import { axeClean, openBrowser, overflowOf, screenshot, type Visit } from '../support/browser.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { htmlProblems } from '../support/html.ts';
import {
  type IdentityProvider,
  identityProvider,
  PLAIN,
  registerProvider,
  tie,
} from '../support/identity-provider.ts';
import { type LaunchApp, launchApp, launchWorld } from '../support/launch-app.ts';
import { PASSWORD, TOTP_SECRET } from '../support/sign-in-app.ts';

const HOME = '/connected-systems/systmone';

describe('SystmOne single sign-on, in a browser', () => {
  let db: TestDatabase;
  let service: LaunchApp;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let baseUrl: string;
  let harbour: IdentityProvider;
  const visits: Visit[] = [];

  before(async () => {
    db = await testDatabase();
    await launchWorld(db.database);
    const providers = { ...PLAIN, baseUrl: () => baseUrl };
    service = await launchApp(db.database, { now: new Date(), realRecord: true, providers });
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    baseUrl = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`;
    service.address.baseUrl = baseUrl;
    harbour = await identityProvider('ZX1', {}, baseUrl);
    await tie(db.database, await registerProvider(db.database, harbour), 'pat-there', 'pat@example.org');
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await harbour?.stop();
    await service?.app.close();
    await db?.stop();
  });

  async function visit(options: { script?: boolean; width?: number } = {}) {
    const visited = await browser.visit({ baseUrl, ...options });
    visits.push(visited);
    return visited;
  }

  async function signIn(page: Page, email: string) {
    await page.goto('/sign-in');
    await page.getByLabel('Email address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await giveCode(page);
  }

  async function giveCode(page: Page) {
    await db.database.owner.query('update account set totp_last_step = null');
    await page.getByLabel('Enter your sign-in code').fill(codeAt(TOTP_SECRET, service.clock.now));
    await page.getByRole('button', { name: 'Continue' }).click();
  }

  /** Clean for everybody: structure, WCAG 2.2 AA, and 320 CSS pixels wide without scrolling sideways. */
  async function sound({ page, source }: Visit, name: string) {
    assert.deepEqual(await htmlProblems(await source()), [], name);
    await axeClean(page);
    await screenshot(page, name, 1280);
    await page.setViewportSize({ width: 320, height: 900 });
    assert.ok((await overflowOf(page)) <= 0, `${name} scrolls sideways at 320 pixels`);
    await screenshot(page, name, 320);
    await page.setViewportSize({ width: 1280, height: 900 });
  }

  /** What SystmOne would open, by the page that plays it. */
  async function linkFrom(page: Page, userName: string, change: { practice?: string; link?: string } = {}) {
    await page.goto(`${HOME}/try`);
    if (change.link) await page.getByLabel('Link').selectOption(change.link);
    if (change.practice) await page.getByLabel('Practice').fill(change.practice);
    await page.getByLabel('SystmOne username').fill(userName);
    await page.getByLabel('Patient', { exact: true }).selectOption({ index: 1 });
    await page.getByRole('button', { name: 'Build the link' }).click();
    return (await page.getByRole('link', { name: 'Open it (in a new tab)' }).getAttribute('href')) ?? '';
  }

  async function connect(page: Page, link: string, email: string) {
    await page.goto(link);
    await page.getByLabel('Email address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await giveCode(page);
    await page.getByRole('button', { name: 'Connect and open the record' }).click();
  }

  const whose = async (page: Page) => (await page.locator('main').textContent()) ?? '';

  it('goes from set-up to the first launch, the second, a new link beside the old, and its end', async () => {
    const cora = await visit();
    await signIn(cora.page, 'cora@example.org');
    await sound(cora, 'systmone-none-yet-list');
    await cora.page.getByRole('button', { name: 'Set up SystmOne single sign-on URL' }).click();
    await sound(cora, 'systmone-overview-empty');
    await cora.page.getByRole('button', { name: 'Set up SystmOne single sign-on URL' }).click();
    await sound(cora, 'systmone-new');

    // Clear must be chosen and understood.
    await cora.page.getByLabel('Not encrypted: SystmOne fields in clear').check();
    await cora.page.getByRole('button', { name: 'Make the link' }).click();
    await sound(cora, 'systmone-new-refused');
    await cora.page.getByLabel(/I understand that anyone who sees/).check();
    await cora.page.getByRole('button', { name: 'Make the link' }).click();
    await sound(cora, 'systmone-made-clear');
    const clear = await linkFrom(cora.page, 'psmith0101');
    await sound(cora, 'systmone-tried');

    // The first launch: sign in, connect, read.
    const pat = await visit();
    await pat.page.goto(clear);
    assert.equal(new URL(pat.page.url()).pathname, '/systmone/connect');
    await sound(pat, 'systmone-connect');
    await pat.page.getByLabel('Email address').fill('pat@example.org');
    await pat.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await pat.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await giveCode(pat.page);
    await sound(pat, 'systmone-connect-ready');
    await pat.page.getByRole('button', { name: 'Connect and open the record' }).click();
    assert.match(
      new URL(pat.page.url()).pathname + new URL(pat.page.url()).search,
      /^\/record\?section=summary&c=[\w-]{22}$/,
    );
    assert.match(await whose(pat.page), /TESTPATIENT/i);
    await sound(pat, 'systmone-record');

    // The second: one click, in a browser that was closed meanwhile.
    await pat.context.clearCookies({ name: 'session' });
    await pat.page.goto(clear);
    assert.match(pat.page.url(), /\/record\?/);
    assert.doesNotMatch(pat.page.url(), /9434765919|1980/);
    const history = await pat.page.evaluate('document.referrer');
    assert.equal(history, '');

    // An encrypted link beside it, then the clear one ends: nobody has to sign in again.
    await cora.page.goto(`${HOME}/new`);
    await cora.page.getByRole('button', { name: 'Make the link' }).click();
    await sound(cora, 'systmone-made');
    const links = await linkOptions(cora.page);
    const encrypted = await linkFrom(cora.page, 'psmith0101', {
      link: links.find(({ text }) => /aes/.test(text))!.value,
    });
    assert.doesNotMatch(encrypted, /9434765919|psmith/);
    for (const link of [encrypted, clear]) {
      await pat.context.clearCookies({ name: 'session' });
      await pat.page.goto(link);
      assert.match(pat.page.url(), /\/record\?/);
    }
    await cora.page.goto(HOME);
    await sound(cora, 'systmone-overview');
    await cora.page
      .getByRole('row', { name: /Not encrypted/ })
      .getByRole('link', { name: /^Withdraw/ })
      .click();
    await sound(cora, 'systmone-withdraw');
    await cora.page.getByRole('button', { name: 'Withdraw the link' }).click();
    await sound(cora, 'systmone-withdrawn');
    await pat.page.goto(clear);
    assert.match(await whose(pat.page), /This link is no longer in use/);
    await sound(pat, 'systmone-refused-withdrawn');
    await pat.page.goto(encrypted);
    assert.match(pat.page.url(), /\/record\?/);

    // The checker reads what the browser's history would hold.
    await cora.page.goto(`${HOME}/check`);
    await sound(cora, 'systmone-check');
    await cora.page.getByLabel('The web address').fill(encrypted.replace(/&dob=.*/, ''));
    await cora.page.getByRole('button', { name: 'Check it' }).click();
    await sound(cora, 'systmone-checked');

    // Nobody else's practice.
    const wrong = await linkFrom(cora.page, 'psmith0101', { practice: 'ZX2' });
    await pat.page.goto(wrong);
    assert.match(await whose(pat.page), /This link is not set up for your practice/);
  });

  async function linkOptions(page: Page) {
    await page.goto(`${HOME}/try`);
    const options = page.locator('#configuration option');
    return Promise.all(
      (await options.all()).map(async (option) => ({
        value: (await option.getAttribute('value')) ?? '',
        text: (await option.textContent()) ?? '',
      })),
    );
  }

  it('asks again in a second browser, refuses a copied link there, and lets people end what they connected', async () => {
    const cora = await visit();
    await signIn(cora.page, 'cora@example.org');
    const link = await linkFrom(cora.page, 'sjones0202');
    const first = await visit();
    await connect(first.page, link, 'sam@example.org');
    assert.match(first.page.url(), /\/record\?/);

    const second = await visit();
    await second.page.goto(link);
    assert.match(await whose(second.page), /a copy of this link was opened in another one/);
    await signIn(second.page, 'sam@example.org');
    await second.page.goto('/systmone/connect');
    assert.match(await whose(second.page), /This link or this browser’s connection was used elsewhere/);
    await sound(second, 'systmone-connect-copied');
    await second.page.getByRole('button', { name: 'Connect and open the record' }).click();
    assert.match(second.page.url(), /\/record\?/);

    await second.page.goto('/account/systmone');
    assert.match(await whose(second.page), /2 browsers/);
    await sound(second, 'systmone-account');
    await second.page.getByRole('button', { name: /End this connection/ }).click();
    for (const { page, context } of [first, second]) {
      await context.clearCookies({ name: 'session' });
      service.later(200);
      await page.goto(link);
      assert.equal(new URL(page.url()).pathname, '/systmone/connect');
    }
  });

  it('connects with codes, without script and by keyboard', async () => {
    const cora = await visit();
    await signIn(cora.page, 'cora@example.org');
    const link = await linkFrom(cora.page, 'codes0001');
    const own = await visit({ script: false });
    await signIn(own.page, 'pat@example.org');
    await own.page.goto('/account/systmone');
    await own.page.getByRole('button', { name: 'Make new codes' }).click();
    const first = (await own.page.locator('#first-code').textContent()) ?? '';
    const second = (await own.page.locator('#second-code').textContent()) ?? '';

    const ward = await visit({ script: false });
    await ward.page.goto(link);
    await ward.page.getByLabel('First code').focus();
    await ward.page.keyboard.type(first);
    await ward.page.keyboard.press('Tab');
    await ward.page.keyboard.type(second);
    await ward.page.keyboard.press('Enter');
    await ward.page.waitForURL(/\/record\?/);
  });

  it("connects by the organisation's own sign-in, on another site and back", async () => {
    const cora = await visit();
    await signIn(cora.page, 'cora@example.org');
    const link = await linkFrom(cora.page, 'there0001');
    const ward = await visit();
    await ward.page.goto(link);
    harbour.nextIs({ subject: 'pat-there', amr: ['pwd'] });
    await ward.page.getByRole('button', { name: 'Sign in with Harbour Trust' }).click();
    await ward.page.getByRole('heading', { name: /did not show a second step/ }).waitFor();
    await sound(ward, 'sign-in-refused');
    harbour.nextIs({ subject: 'pat-there', amr: ['pwd', 'mfa'] });
    await ward.page.getByRole('button', { name: 'Try again with Harbour Trust' }).click();
    await ward.page.getByRole('button', { name: 'Connect and open the record' }).click();
    await ward.page.waitForURL(/\/record\?/);
    await ward.page.goto('/account/organisation-sign-in');
    await sound(ward, 'organisation-sign-in');
    await ward.page.getByRole('button', { name: 'End this connection' }).click();
    assert.match(ward.page.url(), /\/sign-in\?next=/, 'what came of it ends with it');
    await ward.page.goto('/sign-in/organisation');
    await sound(ward, 'find-organisation');
  });

  it('runs no script that the pages did not bring, and asks no other host but the organisation’s', () => {
    assert.deepEqual(
      visits
        .flatMap(({ problems }) => problems)
        .filter((problem) => !problem.includes(`: ${harbour.issuer}/`)),
      [],
    );
  });
});
