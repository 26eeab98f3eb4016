import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import { setUpWeb } from '../../src/web/index.ts';
import { createTemplates } from '../../src/web/templates.ts';
import { axeClean, openBrowser, overflowOf, screenshot } from '../support/browser.ts';
import { htmlProblems } from '../support/html.ts';

const SPECIMEN = `
{% extends "web/layout.njk" %}
{% from "web/parts/table.njk" import sortableTable %}
{% from "web/parts/pagination.njk" import pagination, cursorPagination, showing %}
{% from "web/parts/filter.njk" import filterForm %}
{% from "web/parts/summary.njk" import summaryList %}
{% from "web/parts/confirmation.njk" import confirmation %}
{% from "web/parts/empty.njk" import emptyState %}
{% from "web/parts/status.njk" import statusTag %}
{% from "web/parts/time.njk" import moment, momentExact %}
{% set title = "Specimen" %}
{% set wide = true %}
{% block content %}
  {% call confirmation("Access revoked", "At noon") %}<p>What happens next.</p>{% endcall %}
  {{ filterForm("/specimen", [
    { name: "q", label: "System", type: "search", value: query.q },
    { name: "status", label: "Status", type: "select", value: query.status, items: [{ value: "", text: "All" }, { value: "active", text: "Active" }] }
  ], { sort: query.sort, direction: query.direction }) }}
  {{ showing(3, 20, 312, "connection") }}
  {% set first %}<a href="/x">{{ name }}</a>{% endset %}
  {{ sortableTable("Connections", [
    { text: "System", key: "name" },
    { text: "Status" },
    { text: "Calls", key: "calls", format: "numeric", first: "descending" },
    { text: "Last used", key: "used" }
  ], [
    [{ html: first }, { html: statusTag("active") }, { text: 1234 | count, format: "numeric" }, { html: moment("2026-11-22T09:00:00Z") }],
    [{ text: name }, { html: statusTag("revoked") }, { text: "0", format: "numeric" }, { html: moment(null) }]
  ], { key: query.sort or "name", direction: query.direction or "ascending" }, query) }}
  {{ pagination(query.page | default(3) | int, 16, query) }}
  {{ cursorPagination("?before=a", "?after=b", "Earlier and later calls") }}
  {{ summaryList([{ key: "Name", text: name }, { key: "Given" }, { key: "Granted", html: momentExact("2026-11-22T09:00:00.123Z"), action: { href: "/x", text: "Change", hidden: "name" } }]) }}
  {{ emptyState("No connections yet", "Systems you give access to appear here.", { href: "/add", text: "Add connection" }) }}
  {% for status in ["active", "live", "suspended", "expired", "draft", "in-review", "odd"] %}{{ statusTag(status) }} {% endfor %}
{% endblock %}`;

const NASTY = 'O’Brien & Söhne <img src=x onerror=alert(1)> "quoted"';

describe('page parts', () => {
  let app: FastifyInstance;
  let baseUrl: string;
  let browser: Awaited<ReturnType<typeof openBrowser>>;

  before(async () => {
    app = fastify();
    await app.register(async (html) => {
      await setUpWeb(html, {
        cookieKey: Buffer.alloc(32, 1),
        secure: false,
        navigation: () => [],
        isUnavailable: () => false,
      });
      const asset = /\/assets\/[0-9a-f]+/;
      html.get('/specimen', async (request, reply) => {
        const assetPath = asset.exec((await app.inject('/nowhere')).body)![0];
        const templates = createTemplates({ serviceName: 'Connected Systems', assetPath });
        return reply
          .type('text/html; charset=utf-8')
          .send(templates.renderString(SPECIMEN, { query: request.query, name: NASTY, navigation: [] }));
      });
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    baseUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await app?.close();
  });

  it('are correct HTML, clean under axe and fit 320 pixels, with awkward text in them', async () => {
    assert.deepEqual(await htmlProblems((await app.inject('/specimen')).body), []);
    for (const width of [1280, 320]) {
      const { page, problems } = await browser.visit({ baseUrl, width });
      await page.goto('/specimen?status=active');
      await axeClean(page);
      assert.equal(await overflowOf(page), 0, `at ${width}`);
      await screenshot(page, 'page-parts', width);
      assert.equal(await page.locator('img').count(), 0);
      assert.deepEqual(problems, []);
    }
  });

  it('sort, page and filter by addresses that keep the rest of the question, without script', async () => {
    const { page } = await browser.visit({ baseUrl, script: false });
    const query = () => Object.fromEntries(new URL(page.url()).searchParams);
    await page.goto('/specimen?status=active&page=4');
    await page.getByRole('link', { name: 'Calls' }).click();
    assert.deepEqual(query(), { status: 'active', sort: 'calls', direction: 'descending' });
    assert.equal(await page.locator('[aria-sort=descending]').count(), 1);
    await page.getByRole('link', { name: 'Calls' }).click();
    assert.deepEqual(query(), { status: 'active', sort: 'calls', direction: 'ascending' });
    await page.getByRole('link', { name: 'Page 2' }).click();
    assert.deepEqual(query(), { status: 'active', sort: 'calls', direction: 'ascending', page: '2' });
    await page.getByLabel('System', { exact: true }).fill('mail & more');
    await page.getByRole('button', { name: 'Apply filters' }).click();
    assert.deepEqual(query(), { sort: 'calls', direction: 'ascending', q: 'mail & more', status: 'active' });
    await page.getByRole('link', { name: 'Clear filters' }).click();
    assert.deepEqual(query(), {});
  });

  it('can be sorted in a narrow window too', async () => {
    const { page } = await browser.visit({ baseUrl, script: false, width: 320 });
    await page.goto('/specimen?status=active');
    await page
      .getByRole('navigation', { name: 'Sort Connections' })
      .getByRole('link', { name: 'Last used' })
      .click();
    assert.equal(new URL(page.url()).search, '?status=active&sort=used&direction=ascending');
    await page.setViewportSize({ width: 1280, height: 900 });
    assert.equal(await page.getByRole('link', { name: 'Last used' }).count(), 1);
  });

  it('offer printing only where script can do it', async () => {
    for (const script of [true, false]) {
      const { page } = await browser.visit({ baseUrl, script });
      await page.goto('/specimen');
      assert.equal(await page.getByRole('button', { name: 'Print this page' }).isVisible(), script);
    }
  });
});
