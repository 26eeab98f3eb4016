import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import { loadGuides } from '../../src/help/guides.ts';
import { helpRoutes } from '../../src/help/routes.ts';
import { setUpWeb } from '../../src/web/index.ts';
import { axeClean, openBrowser, overflowOf, screenshot } from '../support/browser.ts';

/** Between them these have everything that guides are made of; axe is slow. */
const AXE = ['/help', '/help/give-access', '/help/for-vendors'];

describe('help, in a browser', () => {
  let app: FastifyInstance;
  let baseUrl: string;
  let browser: Awaited<ReturnType<typeof openBrowser>>;

  before(async () => {
    app = fastify();
    await app.register(async (html) => {
      const web = await setUpWeb(html, {
        cookieKey: Buffer.alloc(32, 1),
        secure: false,
        navigation: () => [],
        isUnavailable: () => false,
      });
      helpRoutes(html, web.pages);
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    baseUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await app?.close();
  });

  for (const width of [1280, 320]) {
    it(`fits a window of ${width} pixels, every guide of it, and is clean under axe`, async () => {
      const { page, problems } = await browser.visit({ baseUrl, width });
      for (const path of ['/help', ...[...loadGuides().bySlug.keys()].map((slug) => `/help/${slug}`)]) {
        await page.goto(path);
        await screenshot(page, path.slice(1).replace('/', '-'), width);
        if (AXE.includes(path)) await axeClean(page);
        assert.equal(await overflowOf(page), 0, path);
      }
      assert.deepEqual(problems, []);
    });
  }

  it('shows each picture, and the whole of it on its own', async () => {
    const { page } = await browser.visit({ baseUrl });
    await page.goto('/help/revoke-access');
    const pictures = page.getByRole('img');
    assert.ok((await pictures.count()) >= 4);
    for (const picture of await pictures.all()) {
      await picture.scrollIntoViewIfNeeded();
      await picture.evaluate('image => image.decode()');
    }
    await pictures.first().click();
    assert.match(page.url(), /\/help\/pictures\/revoke-1280\.png$/);
  });
});
