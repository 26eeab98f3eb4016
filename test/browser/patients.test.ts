import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { axeClean, openBrowser, overflowOf, screenshot } from '../support/browser.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import {
  PASSWORD,
  type PatientsApp,
  type PatientsWorld,
  patientsApp,
  patientsWorld,
} from '../support/patients-app.ts';

const HTML = `<h1>Your visit</h1><p>Dear Nia,</p><p>Thank you for coming. <strong>Please rest.</strong></p>
<table><tr><th scope="col">Test</th><th scope="col">Result</th></tr><tr><td>Blood pressure</td><td>120/80 mmHg</td></tr></table>`;
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const PDF = Buffer.from(
  `%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF`,
);

describe('a patient, in a browser', () => {
  let db: TestDatabase;
  let service: PatientsApp;
  let world: PatientsWorld;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let baseUrl: string;
  let harbour: string;
  let moor: string;
  before(async () => {
    db = await testDatabase();
    service = await patientsApp(db.database);
    world = patientsWorld(db.database);
    harbour = await world.organisation('Harbour and District Community Hospitals Trust');
    moor = await world.organisation('Moor Surgery');
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    baseUrl = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`;
    service.address.baseUrl = baseUrl;
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await service?.app.close();
    await db?.stop();
  });

  /** What every page must be: nothing for axe, nothing wider than a phone, pictures to look at. */
  async function isGood(page: Page, name: string) {
    await axeClean(page);
    await page.setViewportSize({ width: 320, height: 900 });
    assert.equal(await overflowOf(page), 0, `${name} is wider than 320 pixels`);
    await page.setViewportSize({ width: 1280, height: 900 });
    await screenshot(page, `patients-${name}`, 320);
    await screenshot(page, `patients-${name}`, 1280);
  }

  async function signIn(page: Page, email: string) {
    await page.goto('/my/sign-in');
    await page.getByLabel('Email address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: /Hello/ }).waitFor();
  }

  for (const script of [true, false]) {
    it(`joins with an invitation and reads a letter, ${script ? 'with' : 'without'} script`, async () => {
      const nia = await world.patient({ organisations: [harbour], family: 'Featherstonehaugh' });
      const { code, token } = await world.invitation(nia, harbour);
      const letter = await world.letter(nia, harbour, {
        title: 'Your visit',
        contentType: 'text/html',
        data: HTML,
      });
      const email = `nia-${script}@example.org`;
      const { page, problems } = await browser.visit({ baseUrl, script });

      await page.goto(`/join#code=${code}&token=${token}`);
      if (script) {
        assert.equal(await page.getByLabel('Invitation code').inputValue(), code);
        assert.equal(page.url(), `${baseUrl}/join`, 'the codes are out of the address');
        await isGood(page, 'join');
      } else {
        await page.getByLabel('Invitation code').fill(code);
        await page.getByLabel('Access code').fill(token);
      }
      await page.getByRole('button', { name: 'Continue' }).click();
      if (script) await isGood(page, 'birth-date');
      await page.getByLabel('Day').fill('31');
      await page.getByLabel('Month').fill('3');
      await page.getByLabel('Year').fill('1980');
      await page.getByRole('button', { name: 'Continue' }).click();
      if (script) await isGood(page, 'account');
      await page.getByLabel('Your email address').fill(email);
      await page.getByLabel('Choose a password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('heading', { name: 'Look for our message' }).waitFor();
      if (script) await isGood(page, 'check-email');
      await page.getByRole('link', { name: 'outbox' }).click();
      if (script) await isGood(page, 'outbox');
      await page
        .getByRole('link', { name: /join\/confirm/ })
        .first()
        .click();
      if (script) await isGood(page, 'confirm');
      await page.getByRole('button', { name: 'Confirm' }).click();
      await page.getByText('Your email address is confirmed').waitFor();
      if (script) await isGood(page, 'sign-in');
      await signIn(page, email);
      if (script) await isGood(page, 'home');

      await page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Letters' }).click();
      await page.getByText('You have 1 unread letter').waitFor();
      if (script) await isGood(page, 'letters');
      await page.getByRole('link', { name: 'Your visit' }).click();
      await page.getByText('Please rest.').waitFor();
      if (script) await isGood(page, 'letter');
      const { rows } = await db.database.owner.query('select first_read_at from letter where id = $1', [
        letter,
      ]);
      assert.ok(rows[0].first_read_at);
      await page.getByRole('link', { name: 'I could not open or read this' }).click();
      if (script) await isGood(page, 'unreadable');
      await page.getByRole('button', { name: /Tell Harbour/ }).click();
      await page.getByText('We have noted').waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You have signed out').waitFor();
      await page.goto('/my/letters');
      await page.getByRole('heading', { name: 'Sign in to your record' }).waitFor();
      assert.deepEqual(problems, []);
    });
  }

  it('is shown pictures and given PDFs', async () => {
    const nia = await world.patient({ organisations: [harbour] });
    await world.account(nia, 'pictures@example.org');
    const picture = await world.letter(nia, harbour, { title: 'Scan', contentType: 'image/png', data: PNG });
    const pdf = await world.letter(nia, harbour, {
      title: 'Report',
      contentType: 'application/pdf',
      data: PDF,
    });
    const { page, problems } = await browser.visit({ baseUrl });
    await signIn(page, 'pictures@example.org');
    await page.goto(`/my/letters/${picture}`);
    const width = await page
      .getByRole('img')
      .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth);
    assert.equal(width, 1);
    await page.goto(`/my/letters/${pdf}`);
    await isGood(page, 'letter-pdf');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'Report.pdf');
    assert.deepEqual(problems, []);
  });

  it('chooses what is shared, and stops all of it', async () => {
    const nia = await world.patient({ organisations: [harbour, moor] });
    await world.account(nia, 'sharing@example.org');
    const { page, problems } = await browser.visit({ baseUrl });
    await signIn(page, 'sharing@example.org');
    await page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Sharing' }).click();
    await page.getByRole('link', { name: 'Change what Moor Surgery sees' }).click();
    await isGood(page, 'sharing-change');
    await page.getByLabel('General health').check();
    await page.getByLabel('Social care').check();
    await page.getByRole('button', { name: 'Save my choice' }).click();
    await page.getByText('Your choice holds from now on').waitFor();
    await isGood(page, 'sharing');
    await page.getByRole('button', { name: 'Stop all sharing' }).click();
    await isGood(page, 'sharing-stop');
    await page.getByRole('button', { name: 'Stop all sharing' }).click();
    await page.getByText('All sharing has stopped').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Stop all sharing' }).count(), 0);
    assert.deepEqual(problems, []);
  });

  it('sees who has looked', async () => {
    const nia = await world.patient({ organisations: [harbour] });
    await world.account(nia, 'access@example.org');
    const chain = randomUUID();
    for (let sequence = 1; sequence <= 60; sequence++) {
      await world.insert('audit_record', {
        chain,
        sequence,
        at: new Date(Date.now() - sequence * 60_000),
        request_id: randomUUID(),
        kind: 'fhir',
        interaction: sequence % 2 ? 'read' : 'search-type',
        outcome: sequence % 10 ? 'allowed' : 'scope-insufficient',
        status: 200,
        client_id: sequence % 3 ? 'a-system-with-a-long-client-id-8eec8f44' : 'another',
        organisation_id: harbour,
        resource_type: sequence % 4 ? 'Observation' : 'DocumentReference',
        patients: [nia],
        hash: Buffer.alloc(32),
      });
    }
    const { page, problems } = await browser.visit({ baseUrl });
    await signIn(page, 'access@example.org');
    await page
      .getByRole('navigation', { name: 'Menu' })
      .getByRole('link', { name: 'Who has looked' })
      .click();
    await page.getByText('Showing 1 to 2 of 2 names').waitFor();
    await isGood(page, 'access');
    await page.getByRole('link', { name: /See each time by a-system/ }).click();
    await page.getByRole('table').waitFor();
    await isGood(page, 'access-entries');
    await page.goBack();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /spreadsheet/ }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'Who has looked at my record.csv');
    assert.deepEqual(problems, []);
  });

  it('looks after the account', async () => {
    const nia = await world.patient({ organisations: [harbour] });
    await world.account(nia, 'account@example.org');
    const { page, problems } = await browser.visit({ baseUrl });
    await signIn(page, 'account@example.org');
    await page.getByRole('link', { name: /My account/ }).click();
    await isGood(page, 'my-account');
    for (const [path, name] of [
      ['/my/account/password', 'password'],
      ['/my/account/close', 'close'],
      ['/my/new-password', 'forgot'],
      ['/my/new-password/sent', 'forgot-sent'],
      ['/my/new-password/choose?link=x', 'link-unusable'],
      ['/join/confirm?link=x', 'join-cannot'],
    ] as const) {
      await page.goto(path);
      await isGood(page, name);
    }
    assert.deepEqual(problems, []);
  });
});
