import assert from 'node:assert/strict';
import { TOTP } from 'otpauth';
import type { Page } from 'playwright-core';
import type { Product } from '../../examples/tour/start-product.ts';
import type { DemoFile } from '../../src/demo/demo-file.ts';
import type { openBrowser, Visit } from './browser.ts';

const PASSWORD = 'velvet otter teapot';

/** What people of the demo world do in a browser when a story of a third-party system is played. */
export function storyOf(product: Product, browser: Awaited<ReturnType<typeof openBrowser>>) {
  const demo = product.demo as unknown as DemoFile;
  const organisationOf = (odsCode: string) => demo.organisations.find((one) => one.odsCode === odsCode)!;

  const administrators = new Map<string, Promise<Page>>();

  async function signIn(odsCode: string): Promise<Page> {
    const { publicId } = organisationOf(odsCode);
    const account = demo.staff.find(
      ({ role, organisation }) => role === 'administrator' && organisation === publicId,
    )!;
    const { page } = await browser.visit({ baseUrl: product.baseUrl });
    await page.goto('/sign-in');
    await page.getByLabel('Email address').fill(account.email);
    await page.getByLabel('Password', { exact: true }).fill(account.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page
      .getByRole('textbox', { name: /code/i })
      .fill(new TOTP({ secret: account.totpSecret! }).generate());
    await page.getByRole('button', { name: 'Continue' }).click();
    await heading(page, /Connected systems/i);
    return page;
  }

  return {
    demo,
    organisationOf,

    /** An administrator of the organisation, signed in once, for a code is good for one sign-in. */
    administrator(odsCode: string): Promise<Page> {
      const page = administrators.get(odsCode) ?? signIn(odsCode);
      administrators.set(odsCode, page);
      return page;
    },

    /** A patient who joins with an invitation, confirms their address and signs in. */
    async join(
      { code, token }: { code: string; token: string },
      birthDate: string,
      email: string,
    ): Promise<Visit> {
      const visit = await browser.visit({ baseUrl: product.baseUrl });
      const { page } = visit;
      const [year, month, day] = birthDate.split('-').map(Number);
      await page.goto(`/join#code=${code}`);
      assert.equal(await page.getByLabel('Invitation code').inputValue(), code);
      await page.getByLabel('Access code').fill(token);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByLabel('Day').fill(String(day));
      await page.getByLabel('Month').fill(String(month));
      await page.getByLabel('Year').fill(String(year));
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByLabel('Your email address').fill(email);
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
      await page.getByLabel('Email address').fill(email);
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await heading(page, /Hello/);
      return visit;
    },

    /** Takes a system's access away, as the administrator whose page it is. */
    async revoke(page: Page, system: string): Promise<void> {
      await page.goto('/connected-systems');
      await page.getByRole('link', { name: `Revoke access of ${system}` }).click();
      await page.getByRole('button', { name: 'Revoke access' }).click();
      await heading(page, 'Access revoked');
    },

    /** How often something happened since access was granted, as the numbers of a system's connection say. */
    async number(page: Page, system: string, what: string): Promise<string> {
      await page.goto('/connected-systems');
      await page.getByRole('link', { name: system, exact: true }).click();
      await page.getByRole('link', { name: 'Numbers of this connection' }).click();
      await heading(page, `Numbers of ${system}`);
      const row = page
        .getByRole('row')
        .filter({ has: page.getByRole('rowheader', { name: what, exact: true }) });
      return ((await row.getByRole('cell').last().textContent()) ?? '').trim();
    },
  };
}

export const heading = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 1, name }).waitFor();
