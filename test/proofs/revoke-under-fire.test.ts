import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Agent, request } from 'undici';
import { resumeSystem, suspendSystem } from '../../src/systems/change-standing.ts';
import { fieldsOf } from '../support/connections-app.ts';
import { either, type TwoProcesses, twoProcesses } from './two-processes.ts';
import { type Shot, underFire } from './under-fire.ts';

const TIMES = 50;
const dispatcher = new Agent({ connections: 16 });

let two: TwoProcesses;
let token: string;
before(async () => {
  two = await twoProcesses();
});
after(async () => {
  await dispatcher.close();
  await two.stop();
});

/** Reads and searches in turn, at the one and the other process. */
const shot: Shot = async (client, round) => {
  const path = round % 2 ? `/Observation/${two.observation.id}` : `/Observation?patient=${two.patient.id}`;
  const base = `${either(two.addresses, client)}/organisations/${two.organisation.id}/fhir/R4`;
  const response = await request(base + path, { headers: { authorization: `Bearer ${token}` }, dispatcher });
  const { issue, entry, id } = (await response.body.json()) as {
    issue?: { details: { coding: { code: string }[] } }[];
    entry?: unknown[];
    id?: string;
  };
  if (response.statusCode === 200) assert.ok(id === two.observation.id || entry?.length === 1);
  return { status: response.statusCode, code: issue?.[0]?.details.coding[0]?.code };
};

async function page(address: string, path: string, fields?: [string, string][]) {
  const response = await fetch(address + path, {
    method: fields ? 'POST' : 'GET',
    headers: {
      cookie: `session=${two.session}`,
      ...(fields && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body: fields && new URLSearchParams(fields).toString(),
    redirect: 'manual',
  });
  return { status: response.status, location: response.headers.get('location'), text: await response.text() };
}

/** Opens a page's form and sends it, as an administrator's browser does. */
async function submit(address: string, path: string): Promise<string> {
  const form = await page(address, path);
  assert.equal(form.status, 200, form.text);
  const sent = await page(address, path, fieldsOf(form.text, path));
  assert.equal(sent.status, 303, sent.text);
  return sent.location ?? '';
}

async function newToken(address: string): Promise<string> {
  const response = await oauth(address, '/oauth/token', {
    grant_type: 'client_credentials',
    scope: 'system/Observation.rs',
  });
  assert.equal(response.status, 200);
  return ((await response.json()) as { access_token: string }).access_token;
}

function oauth(address: string, path: string, form: Record<string, string>) {
  return fetch(address + path, {
    method: 'POST',
    headers: { authorization: two.authorization, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
}

test('no request that begins after a revoke was confirmed gets data, at any process, until access is granted again', async (t) => {
  token = await newToken(either(two.addresses, 0));
  let connection = '';
  const seen = await underFire({
    shot,
    times: TIMES,
    code: 'connection-revoked',
    async give(n) {
      // The limit on looking for systems is for people, who do not grant fifty times a minute.
      await two.owner.query('delete from attempt');
      const location = await submit(either(two.addresses, n), `/connected-systems/add/${two.clientId}`);
      connection = /connected-systems\/([0-9a-f-]{36})\//.exec(location)?.[1] ?? '';
    },
    async take(n) {
      await submit(either(two.addresses, n + 1 + (n >> 1)), `/connected-systems/${connection}/revoke`);
    },
  });
  t.diagnostic(JSON.stringify(seen));
  const { rows } = await two.owner.query(
    'select count(*)::integer as n from connection where client_id = $1',
    [two.clientId],
  );
  assert.equal(rows[0].n, TIMES);
});

test('no request that begins after a system was suspended gets data, until it is resumed', async (t) => {
  await two.connect();
  token = await newToken(either(two.addresses, 1));
  const pool = two.db.database.service;
  let live = true;
  const seen = await underFire({
    shot,
    times: TIMES,
    code: 'system-not-live',
    async give() {
      if (!live) await resumeSystem(pool, two.clientId);
    },
    async take() {
      await suspendSystem(pool, two.clientId);
      live = false;
    },
  });
  t.diagnostic(JSON.stringify(seen));
  await resumeSystem(pool, two.clientId);
});

test('no request that begins after a token was revoked gets data with it, at any process', async (t) => {
  const seen = await underFire({
    shot,
    times: TIMES,
    code: 'token-invalid',
    async give(n) {
      token = await newToken(either(two.addresses, n));
    },
    async take(n) {
      const response = await oauth(either(two.addresses, n + 1), '/oauth/revoke', { token });
      assert.equal(response.status, 200);
    },
  });
  t.diagnostic(JSON.stringify(seen));
});
