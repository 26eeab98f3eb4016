import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { axeClean, openBrowser, overflowOf, screenshot } from '../support/browser.ts';
import { htmlProblems } from '../support/html.ts';
import { type RecordWorld, recordWorld } from '../support/record-world.ts';

const SECTIONS = ['summary', 'problems', 'results', 'letters', 'appointments'];

describe('the record page, in a browser', () => {
  let world: RecordWorld;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let baseUrl: string;
  let patient: { id: string };
  let here: Awaited<ReturnType<RecordWorld['organisation']>>;

  before(async () => {
    world = await recordWorld();
    await world.app.app.listen({ host: '127.0.0.1', port: 0 });
    baseUrl = `http://127.0.0.1:${(world.app.app.server.address() as AddressInfo).port}`;
    here = await world.organisation('Harbour and District Community Hospitals Trust');
    const there = await world.organisation('Ashgrove Surgery');
    patient = await world.patient(there, {
      name: [
        { use: 'official', family: 'Featherstonehaugh-Cholmondeley', given: ['Bartholomew'], prefix: ['Mr'] },
      ],
      gender: 'male',
    });
    await world.register(patient, here, { shares: 1 });
    const stored = (resource: Record<string, unknown>, label?: 'MENTAL_HEALTH') =>
      world.stored(
        there,
        { subject: { reference: `Patient/${patient.id}` }, ...resource },
        { patientId: patient.id, label },
      );
    await world.problem(there, patient, 'Hypertension');
    await world.problem(there, patient, 'Antidisestablishmentarianismphobia', { label: 'MENTAL_HEALTH' });
    await stored({
      resourceType: 'DocumentReference',
      status: 'current',
      date: '2026-05-03T09:00:00Z',
      description: 'Clinic letter: hypertension',
      content: [
        { attachment: { contentType: 'text/plain', data: Buffer.from('Dear patient').toString('base64') } },
      ],
    });
    for (const [date, systolic, diastolic] of [
      ['2023-02-01', 165, 98],
      ['2024-03-01', 148, 92],
      ['2025-09-01', 139, 84],
      ['2026-05-03', 128, 76],
    ] as const) {
      const part = (code: string, display: string, value: number) => ({
        code: { coding: [{ system: 'http://loinc.org', code, display }] },
        valueQuantity: { value, unit: 'mmHg' },
      });
      await stored({
        resourceType: 'Observation',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '85354-9', display: 'Blood pressure' }] },
        effectiveDateTime: date,
        component: [
          part('8480-6', 'Systolic blood pressure', systolic),
          part('8462-4', 'Diastolic blood pressure', diastolic),
        ],
      });
      await stored({
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'Potassium' },
        effectiveDateTime: date,
        valueQuantity: { value: Math.round(systolic / 3) / 10, unit: 'mmol/L' },
        referenceRange: [{ low: { value: 3.5, unit: 'mmol/L' }, high: { value: 5.3, unit: 'mmol/L' } }],
        interpretation: [{ coding: [{ code: 'H', display: 'High' }] }],
      });
    }
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await world?.stop();
  });

  async function visit(options: { script?: boolean; width?: number; locked?: boolean } = {}) {
    const { locked = false, ...shown } = options;
    // Each visitor is a person of their own: what one breaks is not broken for the next.
    const person = await world.staff(here, 'professional', 'Dr Ada Featherstonehaugh');
    const { c, cookie } = await world.app.opened(person, patient.id, { breakGlass: true, locked });
    const visited = await browser.visit({ baseUrl, ...shown });
    await visited.context.addCookies([{ name: 'session', value: cookie, url: baseUrl }]);
    return { ...visited, c };
  }

  it('is clean under axe, correct HTML and fits 320 pixels, in every section', async () => {
    const { page, problems, source, c } = await visit();
    for (const section of SECTIONS) {
      await page.goto(`/record?section=${section}&c=${c}`);
      await page.getByText('FEATHERSTONEHAUGH-CHOLMONDELEY, Bartholomew (Mr)').waitFor();
      assert.deepEqual(await htmlProblems(await source()), [], section);
      for (const details of await page.locator('details').all()) await details.locator('summary').click();
      await axeClean(page);
      await screenshot(page, `record-${section}`);
      await page.setViewportSize({ width: 320, height: 900 });
      assert.equal(await overflowOf(page), 0, section);
      await axeClean(page);
      await screenshot(page, `record-${section}`, 320);
      await page.setViewportSize({ width: 1280, height: 900 });
    }
    assert.deepEqual(problems, []);
  });

  it('draws charts that are told apart without colour and described in words', async () => {
    const { page, c } = await visit();
    await page.goto(`/record?section=results&c=${c}`);
    const chart = page.getByRole('img', { name: 'Chart of Blood pressure' });
    await chart.waitFor();
    assert.match(
      (await chart.locator('desc').textContent()) ?? '',
      /Systolic blood pressure: lowest 128 mmHg/,
    );
    // Each line and, below the chart, its name with a piece of it.
    assert.equal(await chart.locator('path').count(), 4);
    assert.equal(await chart.locator('circle').count(), 4 + 1);
    assert.equal(await chart.locator('rect').count(), 4 + 1);
    await page.getByText('Table of 4 results of Blood pressure').click();
    await page.getByRole('cell', { name: '165/98 mmHg' }).waitFor();
  });

  for (const script of [true, false]) {
    it(`goes through sections, a letter and emergency access ${script ? 'with' : 'without'} script`, async () => {
      const { page, problems, c } = await visit({ script });
      await page.goto(`/record?c=${c}`);
      await page.getByRole('link', { name: 'Letters' }).click();
      await page.getByRole('link', { name: 'Clinic letter: hypertension' }).click();
      await page.getByText('Dear patient').waitFor();
      if (script) await axeClean(page);
      await page.getByRole('link', { name: 'Letters' }).click();
      await page.getByRole('link', { name: 'Problems' }).click();
      assert.equal(await page.getByText('Antidisestablishmentarianismphobia').count(), 0);

      await page.getByRole('link', { name: 'Emergency access to everything' }).click();
      if (script) await axeClean(page);
      await screenshot(page, 'record-break-glass');
      await page.getByRole('button', { name: 'See everything for 30 minutes' }).click();
      await page.getByRole('link', { name: 'Choose why you need to see more' }).click();
      if (script) await axeClean(page);
      await page.getByLabel('The patient needs treatment urgently').check();
      await page.getByLabel('In your own words').fill('Unconscious on arrival');
      await page.getByRole('button', { name: 'See everything for 30 minutes' }).click();
      await page.getByRole('heading', { name: 'You can see everything' }).waitFor();
      await page.getByRole('link', { name: 'Problems', exact: true }).click();
      await page.getByText('Antidisestablishmentarianismphobia').waitFor();
      await page.getByText('Not shared with you').waitFor();
      await overNarrow(page);
      if (script) await axeClean(page);
      await screenshot(page, 'record-broken-glass');
      await page.getByRole('button', { name: 'End emergency access now' }).click();
      await page.getByRole('link', { name: 'Emergency access to everything' }).waitFor();
      assert.deepEqual(problems, []);
    });
  }

  async function overNarrow(page: Page) {
    await page.setViewportSize({ width: 320, height: 900 });
    assert.equal(await overflowOf(page), 0);
    await page.setViewportSize({ width: 1280, height: 900 });
  }

  it('opened for one patient alone offers no way to another', async () => {
    const { page, c } = await visit({ locked: true });
    await page.goto(`/record?c=${c}`);
    await page.getByRole('navigation', { name: 'Sections of the record' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Patients' }).count(), 0);
  });
});
