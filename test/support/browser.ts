import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page, type Response } from 'playwright-core';
import { findChromium } from './chromium.ts';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

/** The success criteria of WCAG 2.2 level AA, in axe's tags. */
const WCAG_22_AA = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** A real browser. Every page opened through it notes what should never be: see `Visit`. */
export async function openBrowser() {
  const found = findChromium();
  if ('problem' in found) throw new Error(found.problem);
  const browser: Browser = await chromium.launch({ executablePath: found.path, args: ARGS });
  return {
    browser,
    /** A visitor with cookies of their own; `script: false` switches JavaScript off, `width` is in CSS pixels. */
    async visit(options: { baseUrl: string; script?: boolean; width?: number }): Promise<Visit> {
      const context = await browser.newContext({
        baseURL: options.baseUrl,
        javaScriptEnabled: options.script ?? true,
        viewport: { width: options.width ?? 1280, height: 900 },
        locale: 'en-GB',
      });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('console', (message) => {
        // A page that answers 4xx is a promise being kept, and Chromium reports it on the console.
        const expected = /the server responded with a status of 4\d\d/.test(message.text());
        if (['error', 'warning'].includes(message.type()) && !expected) problems.push(message.text());
      });
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('request', (request) => {
        if (!request.url().startsWith(options.baseUrl)) problems.push(`asked another host: ${request.url()}`);
      });
      let document: Response | undefined;
      page.on('response', (response) => {
        if (response.request().isNavigationRequest() && response.status() !== 303) document = response;
      });
      return { page, context, problems, source: async () => (await document?.text()) ?? '' };
    },
    close: () => browser.close(),
  };
}

export type Visit = {
  page: Page;
  context: BrowserContext;
  /** Errors and warnings on the console, and requests to any host but ours. Should stay empty. */
  problems: string[];
  /** The page as the server sent it, before script changed it. */
  source: () => Promise<string>;
};

/**
 * What axe finds against WCAG 2.2 AA, as text; empty when the page is clean. Needs a page with script. It runs in the
 * page itself: gathering its findings in a second page, as is usual, takes three times as long and is only needed for
 * what frames of other origins hold, which are letters and so their senders' own.
 */
async function axeProblems(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode()
    .options({ resultTypes: ['violations'] })
    .withTags(WCAG_22_AA)
    .analyze();
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help} at ${node.target.join(' ')}`),
  );
}

/** Throws, naming each problem, unless the page is clean under axe. */
export async function axeClean(page: Page): Promise<void> {
  const problems = await axeProblems(page);
  if (problems.length > 0) throw new Error(`${page.url()} is not clean:\n${problems.join('\n')}`);
}

/**
 * How far the page is wider than its window, in CSS pixels (WCAG 1.4.10 wants 0 at 320), once its script has settled:
 * the header folds its menu only when the browser has told it of the new width.
 */
export async function overflowOf(page: Page): Promise<number> {
  let pixels = await overflowNow(page);
  for (let tries = 0; pixels > 0 && tries < 20; tries += 1) {
    await page.waitForTimeout(50);
    pixels = await overflowNow(page);
  }
  return pixels;
}

const overflowNow = (page: Page): Promise<number> =>
  page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  ) as Promise<number>;

/** Keeps a picture of the whole page as `<folder>/<name>-<width>.png`, `folder` by default in SCREENSHOTS. */
export async function screenshot(page: Page, name: string, width = 1280): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const before = page.viewportSize();
  await page.setViewportSize({ width, height: 900 });
  await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: true });
  if (before) await page.setViewportSize(before);
}
