import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { connectionPages } from '../../../test/support/connections-app.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import { textOf } from '../../../test/support/page-client.ts';
import { routeOf } from '../../ids.ts';
import { countsChart } from './counts-chart.ts';
import { PERIODS, type Period, stepsOf } from './periods.ts';

describe('the numbers of a connection', () => {
  const t = connectionPages();
  const query = (text: string, values: unknown[]) => t.db.database.owner.query(text, values);

  const granted = async () =>
    (await t.grantByPages(await t.app.world.system({ name: 'Letters' }))).connectionId;

  async function invited(patientId: string, connectionId: string, daysAgo: number, came: object = {}) {
    const { used, expired, revoked } = { used: null, expired: false, revoked: null, ...came } as Came;
    const id = patientId.slice(0, 8) + randomUUID().slice(8);
    await query(
      `insert into invitation (route, id, patient_id, organisation_id, code_hash, token_hash, created_at,
                               created_by_connection, expires_at, used_at, revoked_at)
       values ($1, $2, $3, $4, $5, $5, now() - $6 * interval '1 day', $7,
               now() + case when $8 then interval '-1 hour' else interval '70 days' end,
               now() - $9 * interval '1 day', now() - $10 * interval '1 day')`,
      [
        routeOf(patientId),
        id,
        patientId,
        t.organisation.id,
        randomBytes(32),
        daysAgo,
        connectionId,
        expired,
        used,
        revoked,
      ],
    );
  }
  type Came = { used: number | null; expired: boolean; revoked: number | null };

  async function letter(
    patientId: string,
    connectionId: string,
    daysAgo: number,
    readAgo: number | null = null,
  ) {
    await query(
      `insert into letter (route, id, patient_id, organisation_id, label, title, document_at, sent_at, visible_from,
                           first_read_at, connection_id)
       select $1, gen_random_uuid(), $2, $3, 0, 'Letter', at, at, at, now() - $5 * interval '1 day', $6
         from (select now() - $4 * interval '1 day' as at) a`,
      [routeOf(patientId), patientId, t.organisation.id, daysAgo, readAgo, connectionId],
    );
  }

  const audited = (connectionId: string, detail: string) =>
    query(
      `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, connection_id,
                                 detail, hash)
       values (gen_random_uuid(), 1, now(), 'r', 'fhir', '$generate-invitation-tokens', 'allowed', 200, $1, $2, '')`,
      [connectionId, detail],
    );

  /** The summary table of the page: by its first cell, the two counts. */
  async function shown(connectionId: string, parameters = '', as = t.administrator) {
    const page = await (await t.app.signedIn(as)).get(
      `/connected-systems/${connectionId}/numbers${parameters}`,
    );
    assert.equal(page.statusCode, 200, textOf(page.body));
    assert.deepEqual(await htmlProblems(page.body), []);
    const csv = await (await t.app.signedIn(as)).get(
      `/connected-systems/${connectionId}/numbers.csv${parameters}`,
    );
    const [header, ...lines] = csv.body.trimEnd().split('\r\n');
    const names = header!.match(/("[^"]*"|[^,]+)/g)!.map((name) => name.replaceAll('"', ''));
    const cells = lines.map((line) => line.split(','));
    const sum = (name: string) => {
      const column = names.findIndex((one) => one.startsWith(name));
      assert.ok(column > 0, `${name} in ${header}`);
      return cells.slice(0, -1).reduce((all, row) => all + Number(row[column]), 0);
    };
    const before = (name: string) => cells.at(-1)![names.indexOf(name)];
    return { page: page.body, sum, before, rows: cells.length, csv };
  }

  it('are none of each for a connection that nothing came of', async () => {
    const { page, sum } = await shown(await granted());
    assert.match(textOf(page), /None in this time/);
    assert.doesNotMatch(page, /<svg class="cs-chart"/);
    assert.equal(sum('Invitations made'), 0);
  });

  it('count invitations by what came of them, and those not made by the reason', async () => {
    const connectionId = await granted();
    const patient = await t.app.world.patient([t.organisation.id]);
    await invited(patient, connectionId, 3);
    await invited(patient, connectionId, 5, { used: 1 });
    await invited(patient, connectionId, 300, { expired: true });
    await invited(patient, connectionId, 8, { revoked: 2 });
    await audited(connectionId, 'invited 4, not-found 3, under-16 2');
    await audited(connectionId, 'not-found 1, invalid-check-digit 5');
    const { sum, before, page } = await shown(connectionId);
    assert.equal(sum('Invitations made'), 3);
    assert.equal(before('Invitations made'), '1', 'the one made before the period');
    assert.equal(sum('Invitations used'), 1);
    assert.equal(sum('Invitations that expired unused'), 1);
    assert.equal(sum('Invitations ended'), 1);
    assert.equal(sum('Not made: patient not found'), 4);
    assert.equal(sum('Not made: under 16'), 2);
    assert.equal(sum('Not made: identifier not usable'), 5);
    assert.equal([...page.matchAll(/<svg class="cs-chart"/g)].length, 2, 'invitations and calls are drawn');
  });

  it('count letters as unread only after the days asked for', async () => {
    const connectionId = await granted();
    const patient = await t.app.world.patient([t.organisation.id]);
    await letter(patient, connectionId, 5);
    await letter(patient, connectionId, 20);
    await letter(patient, connectionId, 21, 1);
    const counts = async (days: number) =>
      (await shown(connectionId, `?unread=${days}`)).sum('Letters unread');
    assert.equal(await counts(3), 2);
    assert.equal(await counts(14), 1);
    assert.equal(await counts(28), 0);
    const { sum } = await shown(connectionId);
    assert.deepEqual([sum('Letters sent'), sum('Letters read')], [3, 1]);
  });

  it('count calls allowed and refused, and leave out those of other connections', async () => {
    const [one, other] = [await granted(), await granted()];
    await t.call(one, 'allowed');
    await t.call(one, 'scope-insufficient');
    await t.call(other, 'allowed');
    const { sum, page } = await shown(one, '?period=days');
    assert.deepEqual([sum('Calls allowed'), sum('Calls refused')], [1, 1]);
    assert.match(textOf(page), /Calls over time/);
  });

  it('have a row in the CSV for each step and one for all before, and are sent as a file', async () => {
    const connectionId = await granted();
    for (const [period, { steps }] of Object.entries(PERIODS)) {
      const { rows, csv } = await shown(connectionId, `?period=${period}`);
      assert.equal(rows, steps + 1);
      assert.match(String(csv.headers['content-type']), /^text\/csv/);
      assert.match(String(csv.headers['content-disposition']), /^attachment; /);
    }
    assert.equal((await shown(connectionId, '?period=constructor&unread=-1')).rows, 13);
  });

  it('count a patient whom the connection registered, by the decision that let it', async () => {
    const connectionId = await granted();
    const token = randomBytes(32);
    await query(
      `insert into access_token (token_hash, client_id, scopes, permissions, issued_at, expires_at)
       select $1, client_id, scopes, permissions, now(), now() + interval '5 minutes' from connection where id = $2`,
      [createHash('sha256').update(token).digest(), connectionId],
    );
    const client = await t.db.database.service.connect();
    try {
      await client.query('begin');
      const decided = await client.query('select outcome from decide($1, $2, $3)', [
        createHash('sha256').update(token).digest(),
        t.organisation.id,
        ['Patient.r'],
      ]);
      assert.equal(decided.rows[0].outcome, 'allowed');
      const id = randomUUID();
      await client.query(`select register_patient($1, $2, '[]', '1980-01-01', false, '{}')`, [
        id,
        routeOf(id),
      ]);
      await client.query('commit');
    } finally {
      client.release();
    }
    await t.app.world.patient([t.organisation.id]);
    assert.equal(
      (await shown(connectionId)).sum('Patients registered'),
      1,
      'and nobody whom others registered',
    );
  });

  it("are there for the organisation's own staff alone", async () => {
    const connectionId = await granted();
    const professional = await t.app.world.staff(t.organisation.id, 'professional');
    await shown(connectionId, '', professional);
    const stranger = await t.app.signedIn(await t.app.world.staff((await t.app.world.organisation()).id));
    for (const path of ['numbers', 'numbers.csv']) {
      assert.equal((await stranger.get(`/connected-systems/${connectionId}/${path}`)).statusCode, 404);
      assert.equal((await stranger.get(`/connected-systems/nonsense/${path}`)).statusCode, 404);
      const nobody = await t.app.app.inject(`/connected-systems/${connectionId}/${path}`);
      assert.equal(nobody.statusCode, 303);
    }
  });
});

describe('the steps of a period', () => {
  it('follow each other without a gap and end with the one that today is in', () => {
    const day = fc.date({ min: new Date('2001-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.constantFrom<Period>('days', 'weeks', 'months'), (date, period) => {
        const today = date.toISOString().slice(0, 10);
        const steps = stepsOf(period, today);
        assert.equal(steps.length, PERIODS[period].steps);
        assert.deepEqual(steps, [...new Set(steps)].sort());
        assert.ok(steps.at(-1)! <= today);
        for (const [n, step] of steps.slice(1).entries()) {
          const days = (Date.parse(step) - Date.parse(steps[n]!)) / 86_400_000;
          if (period === 'months') assert.match(step, /-01$/);
          else assert.equal(days, period === 'days' ? 1 : 7);
          assert.ok(days <= 31);
        }
        if (period === 'weeks') assert.equal(new Date(steps[0]!).getUTCDay(), 1);
      }),
    );
  });
});

describe('the chart of counts', () => {
  const steps = stepsOf('weeks', '2026-11-22');

  it('is not drawn of nothing', () => {
    assert.equal(countsChart('Calls', steps, [{ name: 'Calls', counts: steps.map(() => 0) }]), null);
  });

  it('keeps every point within its frame, more being higher', () => {
    const counts = fc.array(fc.nat(1e6), { minLength: steps.length, maxLength: steps.length });
    fc.assert(
      fc.property(fc.array(counts, { minLength: 1, maxLength: 3 }), (all) => {
        const chart = countsChart(
          'x',
          steps,
          all.map((one, n) => ({ name: `${n}`, counts: one })),
        );
        if (!chart) return;
        const { frame } = chart;
        for (const [line, { points }] of chart.lines.entries()) {
          for (const [n, { x, y }] of points.entries()) {
            assert.ok(x >= frame.left && x <= frame.right && y >= frame.top && y <= frame.bottom);
            if (n > 0 && all[line]![n]! > all[line]![n - 1]!) assert.ok(y <= points[n - 1]!.y);
          }
        }
      }),
    );
  });
});
