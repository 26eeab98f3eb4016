/**
 * Takes the pictures of the guides from the demo world in a real browser, into docs/pictures:
 * `node scripts/take-pictures.ts`. Run it when pages have changed, and look at what it took.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TOTP } from 'otpauth';
import type { Page } from 'playwright-core';
import { startProduct } from '../examples/tour/start-product.ts';
import { openBrowser } from '../test/support/browser.ts';

const FOLDER = join(import.meta.dirname, '../docs/pictures');
const ODS_CODE = 'Z99901';
/** A picture of a long page is its beginning: people look at pictures, they do not read them. */
const HEIGHT_MAX = { 1280: 1200, 320: 1400 };
type Width = keyof typeof HEIGHT_MAX;
type Place = ReturnType<Page['locator']>;

await mkdir(FOLDER, { recursive: true });
const product = await startProduct();
const browser = await openBrowser();
try {
  const { page } = await browser.visit({ baseUrl: product.baseUrl });
  await signIn(page);
  await walk(page);
} finally {
  await browser.close();
  await product.stop();
}

async function signIn(page: Page): Promise<void> {
  const { organisations, staff } = product.demo;
  const { publicId } = organisations.find(({ odsCode }) => odsCode === ODS_CODE)!;
  const account = staff.find(
    ({ role, organisation }) => role === 'administrator' && organisation === publicId,
  )!;
  await page.goto('/sign-in');
  await page.getByLabel('Email address').fill(account.email);
  await page.getByLabel('Password', { exact: true }).fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel(/code/i).fill(new TOTP({ secret: account.totpSecret }).generate());
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Connected systems', level: 1 }).waitFor();
}

/** Through the pages in the order in which an administrator meets them. */
async function walk(page: Page): Promise<void> {
  const search = async (text: string) => {
    await page.goto('/connected-systems/add');
    await page.getByLabel('Third-party system name, company name or client ID').fill(text);
    await page.getByRole('button', { name: 'Search' }).click();
  };

  await picture(page, 'list', [1280, 320]);
  await page.goto('/connected-systems/add');
  await picture(page, 'add', [1280]);
  await search('Openward');
  await picture(page, 'add-none', [1280]);
  await search('Openward Software Ltd');
  await picture(page, 'add-found', [1280]);
  await page.getByRole('button', { name: 'Grant access' }).click();
  await picture(page, 'review', [1280, 320]);
  await picture(page, 'review-reach', [1280], heading(page, 'The data it could reach'));
  await page.getByText('Give less than it asks for').click();
  await picture(page, 'review-less', [1280], page.locator('main details'), 500);
  await picture(page, 'review-less-more', [1280], page.getByRole('group', { name: 'Kinds of information' }));
  await page.goBack();
  await page.goForward();
  await page.getByRole('button', { name: 'Grant access' }).click();
  await page.getByRole('heading', { name: 'Access granted' }).waitFor();
  await picture(page, 'granted', [1280]);

  await page.goto('/connected-systems');
  await page.getByRole('link', { name: 'Pulsehome Monitoring', exact: true }).click();
  await picture(page, 'view', [1280, 320]);
  await picture(page, 'view-calls', [1280], page.locator('#calls'), 700);
  await page.getByRole('button', { name: 'Suspend access' }).click();
  await picture(page, 'suspend', [1280]);
  await page.goBack();
  await page.getByRole('button', { name: 'Revoke access' }).click();
  await page.getByLabel('Reason (optional)').fill('The clinic uses another supplier from December.');
  await picture(page, 'revoke', [1280, 320]);
  await page.getByRole('button', { name: 'Revoke access' }).click();
  await page.getByRole('heading', { name: 'Access revoked' }).waitFor();
  await picture(page, 'revoked', [1280]);
}

function heading(page: Page, name: string): Place {
  return page.getByRole('heading', { name });
}

/** Keeps the page, or as much of it from `from` downwards, at each width as `<name>-<width>.png`. */
async function picture(
  page: Page,
  name: string,
  widths: Width[],
  from?: Place,
  heightMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate('document.activeElement?.blur(), window.scrollTo(0, 0)');
    const top = from ? Math.max(0, Math.round(((await from.boundingBox())?.y ?? 0) - 24)) : 0;
    const whole = Number(await page.evaluate('document.documentElement.scrollHeight'));
    const height = Math.min(whole - top, HEIGHT_MAX[width], heightMax);
    const path = join(FOLDER, `${name}-${width}.png`);
    await page.screenshot({ path, fullPage: true, clip: { x: 0, y: top, width, height } });
    console.log(path.slice(FOLDER.length + 1));
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}
