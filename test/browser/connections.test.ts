import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { axeClean, openBrowser, overflowOf, screenshot, type Visit } from '../support/browser.ts';
import { type ConnectionsApp, connectionsApp } from '../support/connections-app.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { htmlProblems } from '../support/html.ts';

type Person = Awaited<ReturnType<ConnectionsApp['world']['staff']>>;

describe('connected systems, in a browser', () => {
  let db: TestDatabase;
  let service: ConnectionsApp;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let baseUrl: string;
  let administrator: Person;
  let organisationId: string;
  const visits: Visit[] = [];

  before(async () => {
    db = await testDatabase();
    service = await connectionsApp(db.database);
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    baseUrl = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`;
    service.address.baseUrl = baseUrl;
    organisationId = (await service.world.organisation('Harbour and District Community Hospitals Trust')).id;
    administrator = await service.world.staff(organisationId, 'administrator', 'Ada Featherstonehaugh');
    for (let n = 0; n < 3; n++) {
      await service.world.patient([organisationId], [{ type: 'Observation' }, { type: 'DocumentReference' }]);
    }
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await service?.app.close();
    await db?.stop();
  });

  async function visitAs(person: Person, options: { script?: boolean; width?: number } = {}) {
    const visited = await browser.visit({ baseUrl, ...options });
    visits.push(visited);
    await visited.context.addCookies([
      { name: 'session', value: await service.session(person), url: baseUrl },
    ]);
    return visited;
  }

  const heading = (page: Page, name: string | RegExp) =>
    page.getByRole('heading', { level: 1, name }).waitFor();

  async function searchAndReview(page: Page, text: string) {
    await page.goto('/');
    await page.getByRole('button', { name: 'Add connection' }).click();
    await page.getByLabel('Third-party system name, company name or client ID').fill(text);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('button', { name: /Grant access/ }).click();
    await heading(page, /^Review /);
  }

  for (const script of [true, false]) {
    it(`goes from search to grant to suspend to revoke ${script ? 'with' : 'without'} script`, async () => {
      const name = `Ward Viewer ${script}`;
      await service.world.system({ name, company: `Viewers ${script} Ltd` });
      const { page, problems } = await visitAs(administrator, { script });
      await searchAndReview(page, `  viewers  ${script} LTD `);
      await page.getByRole('button', { name: 'Grant access' }).click();
      await heading(page, 'Access granted');
      assert.equal(
        await page.locator('#fhir-base').textContent(),
        `${baseUrl}/organisations/${organisationId}/fhir/R4`,
      );
      assert.equal(await page.getByRole('button', { name: 'Copy' }).isVisible(), script);
      await page.reload();
      await heading(page, 'Access granted');

      // Back to the review page: it says what stands and offers no second grant.
      await page.goBack();
      await page.reload();
      await page.getByText('Already has access').waitFor();
      assert.equal(await page.getByRole('button', { name: 'Grant access' }).count(), 0);

      await page.goto('/connected-systems');
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('button', { name: 'Suspend access' }).click();
      await page.getByLabel('Reason (optional)').fill('Checking something');
      await page.getByRole('button', { name: 'Suspend access' }).click();
      await heading(page, 'Access suspended');
      await page.getByRole('link', { name: 'resume access' }).click();
      await page.getByRole('button', { name: 'Resume access' }).click();
      await heading(page, 'Access resumed');

      await page.goto('/connected-systems');
      await page.getByRole('link', { name: `Revoke access of ${name}` }).click();
      await page.getByText('What will stop').waitFor();
      await page.getByRole('button', { name: 'Revoke access' }).click();
      await heading(page, 'Access revoked');
      await page.getByText(/at \d\d:\d\d:\d\d\.\d{3} /).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Print this page' }).isVisible(), script);
      await page.goBack();
      await heading(page, `${name} is already revoked`);
      await page.getByText(/already revoked by Ada Featherstonehaugh on/).waitFor();
      assert.deepEqual(problems, []);
    });
  }

  it('sends one grant for a double click', async () => {
    const clientId = await service.world.system({ name: 'Clicked twice' });
    const { page } = await visitAs(administrator);
    await searchAndReview(page, 'clicked twice');
    await page.getByRole('button', { name: 'Grant access' }).dblclick();
    await heading(page, 'Access granted');
    const { rows } = await db.database.service.query('select from connection where client_id = $1', [
      clientId,
    ]);
    assert.equal(rows.length, 1);
  });

  it('is done by keyboard alone, giving less than was asked', async () => {
    const clientId = await service.world.system({ name: 'By keyboard' });
    const { page } = await visitAs(administrator);
    await page.goto('/connected-systems/add');
    const tabTo = async (what: RegExp) => {
      for (let keys = 0; keys < 60; keys++) {
        await page.keyboard.press('Tab');
        const focused = await page.evaluate(
          `(() => { const e = document.activeElement; return (e.labels?.[0] ?? e).textContent.replace(/\\s+/g, ' ').trim() })()`,
        );
        if (what.test(String(focused))) return;
      }
      assert.fail(`the keyboard does not reach ${what}`);
    };
    await tabTo(/^Third-party system name/);
    await page.keyboard.type('by keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '1 system found' }).waitFor();
    await tabTo(/^Grant access/);
    await page.keyboard.press('Enter');
    await heading(page, 'Review By keyboard');
    await tabTo(/^Give less than it asks for/);
    await page.keyboard.press('Enter');
    await tabTo(/^Add, change and delete observations/);
    await page.keyboard.press('Space');
    await tabTo(/^Grant access/);
    await page.keyboard.press('Enter');
    await heading(page, 'Access granted');
    const { rows } = await db.database.service.query('select scopes from connection where client_id = $1', [
      clientId,
    ]);
    assert.deepEqual(rows[0].scopes, ['system/Observation.rs', 'system/Patient.rs']);
  });

  it('moves to what was wrong with the form', async () => {
    await service.world.system({ name: 'Wrong date' });
    const { page } = await visitAs(administrator);
    await searchAndReview(page, 'wrong date');
    await page.getByText('Give less than it asks for').click();
    await page.getByLabel('Day').fill('31');
    await page.getByLabel('Month').fill('2');
    await page.getByLabel('Year').fill('2030');
    await page.getByRole('button', { name: 'Grant access' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByRole('link', { name: /must be a real date/ }).click();
    assert.equal(await page.evaluate('document.activeElement.id'), 'day');
  });

  it('is clean under axe, correct HTML, and fits a window of 320 pixels, on every page', async () => {
    let seen = 0;
    for (const width of [1280, 320]) {
      const person = await newOrganisation();
      const clientId = await service.world.system({
        name: `Riverbank Letters with a long name ${width}`,
        company: `Riverbank Post and Print Services ${width} Ltd`,
        purpose: 'Prints and posts the letters that patients have not opened online within three days.',
        scopes: [
          'system/DocumentReference.cruds',
          'system/Patient.rs',
          'system/DocumentReference.$read-receipt-query',
        ],
      });
      const { page, source } = await visitAs(person, { width });
      const check = async (name: string) => {
        // What axe finds does not hang on the width but for tables and menus, and it is slow.
        if (width === 1280 || ['list', 'review-open', 'view'].includes(name)) await axeClean(page);
        await screenshot(page, name, width);
        assert.equal(await overflowOf(page), 0, `${name} at ${width}`);
        assert.deepEqual(await htmlProblems(await source()), [], name);
        seen++;
      };
      await page.goto('/connected-systems');
      await check('list-empty');
      await page.goto('/connected-systems/add');
      await check('add');
      await page.goto('/connected-systems/add?search=nothing');
      await check('add-none');
      await page.goto(`/connected-systems/add?search=Riverbank+Post+and+Print+Services+${width}+Ltd`);
      await check('add-found');
      await page.getByRole('button', { name: /Grant access/ }).click();
      await check('review');
      await page.getByText('Give less than it asks for').click();
      await check('review-open');
      await page.getByLabel('Day').fill('99');
      await page.getByRole('button', { name: 'Grant access' }).click();
      await page.getByRole('alert').waitFor();
      await check('review-errors');
      await page.goto(`/connected-systems/add/${clientId}`);
      await page.getByRole('button', { name: 'Grant access' }).click();
      await heading(page, 'Access granted');
      await check('granted');
      await calls(clientId);
      await page.getByRole('link', { name: 'View this connection' }).click();
      await check('view');
      const view = page.url();
      await page.goto(`/connected-systems/add/${clientId}`);
      await check('review-connected');
      await page.goto('/connected-systems');
      await check('list');
      await page.goto(`${view}/suspend`);
      await check('suspend');
      await page.getByRole('button', { name: 'Suspend access' }).click();
      await check('suspended');
      await page.goto(`${view}/resume`);
      await check('resume');
      await page.getByRole('button', { name: 'Resume access' }).click();
      await check('resumed');
      await page.goto(`${view}/reduce`);
      await check('reduce');
      await page.getByLabel('Mental health').uncheck();
      await page.getByRole('button', { name: 'Reduce access' }).click();
      await heading(page, 'Access reduced');
      await check('reduced');
      await page.goto(`${view}/revoke`);
      await check('revoke');
      await page.getByRole('button', { name: 'Revoke access' }).click();
      await heading(page, 'Access revoked');
      await check('revoked');
      await page.goto(`${view}/revoke`);
      await check('already-revoked');
      await page.goto(view);
      await check('view-revoked');
    }
    assert.equal(seen, 2 * 21);
  });

  it('keeps the browser quiet and asks nobody else for anything', () => {
    assert.deepEqual(
      visits.flatMap(({ problems }) => problems),
      [],
    );
  });

  async function newOrganisation() {
    const organisation = await service.world.organisation('Riverbourne Hospitals Trust');
    await service.world.patient(
      [organisation.id],
      [{ type: 'DocumentReference' }, { type: 'DocumentReference' }],
    );
    for (const team of ['Patient Record Team', 'Physiotherapy'])
      await service.world.team(organisation.id, team);
    return service.world.staff(organisation.id, 'administrator', 'Ada Featherstonehaugh');
  }

  async function calls(clientId: string) {
    await db.database.owner.query(
      `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, connection_id,
                                 resource_type, count, hash)
       select gen_random_uuid(), 1, now() - n * interval '7 minutes', gen_random_uuid(), 'fhir',
              case n % 3 when 0 then 'search-type' when 1 then 'read' else 'create' end,
              case n % 4 when 0 then 'scope-insufficient' else 'allowed' end, 200, c.id, 'DocumentReference', n, ''
         from connection c, generate_series(1, 12) n where c.client_id = $1`,
      [clientId],
    );
  }
});
