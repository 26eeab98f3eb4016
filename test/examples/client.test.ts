import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { createFhirClient } from '../../examples/shared/fhir-client.ts';
import type { Proof } from '../../examples/shared/proof.ts';

const BASE = 'https://service.example.org/organisations/ZX1/fhir/R4';
const TOKENS = 'https://service.example.org/oauth/token';

type Sent = { url: string; method: string; headers: Headers; body: string };
type Answer = { status?: number; json?: unknown; headers?: Record<string, string> } | Error;

const { privateKey } = await generateKeyPair('ES384', { extractable: true });
const KEY: Proof = { by: 'key', jwk: { ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES384' } };

/** A client of a service that gives tokens t1, t2, … and answers FHIR requests with these, one after the other. */
function clientOf(answers: Answer[], { proof = KEY as Proof, expiresIn = 300 } = {}) {
  const sent: Sent[] = [];
  const waits: number[] = [];
  const clock = { at: 0 };
  let tokens = 0;
  const fetch = (async (input: string, init: RequestInit = {}) => {
    sent.push({
      url: input,
      method: init.method ?? 'GET',
      headers: new Headers(init.headers),
      body: String(init.body ?? ''),
    });
    if (input.endsWith('/smart-configuration')) return Response.json({ token_endpoint: TOKENS });
    if (input === TOKENS) {
      tokens += 1;
      return Response.json({ access_token: `t${tokens}`, expires_in: expiresIn });
    }
    const answer = answers.shift() ?? { json: { resourceType: 'Bundle', type: 'searchset' } };
    if (answer instanceof Error) throw answer;
    return Response.json(answer.json ?? {}, { status: answer.status ?? 200, headers: answer.headers });
  }) as typeof globalThis.fetch;
  const client = createFhirClient(
    { fhirBase: BASE, clientId: 'me', proof },
    {
      fetch,
      scopes: ['system/Patient.rs', 'system/Observation.rs'],
      now: () => clock.at,
      sleep: async (ms) => waits.push(ms),
    },
  );
  return { client, sent, waits, clock, fhir: () => sent.filter(({ url }) => url.startsWith(`${BASE}/P`)) };
}

const refusal = (status: number, code: string): Answer => ({
  status,
  json: { resourceType: 'OperationOutcome', issue: [{ details: { coding: [{ code }] } }] },
});

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('the examples’ client', () => {
  it('proves itself with a short-lived assertion, asks for its scopes and binds the token to the organisation', async () => {
    const { client, sent } = clientOf([]);
    await client.read('Patient', '1');
    const form = new URLSearchParams(sent[1]!.body);
    assert.equal(form.get('scope'), 'system/Patient.rs system/Observation.rs');
    assert.equal(form.get('resource'), BASE);
    const { iss, sub, aud, exp, iat, jti } = decodeJwt(form.get('client_assertion')!);
    assert.deepEqual([iss, sub, aud], ['me', 'me', TOKENS]);
    assert.ok(exp! - iat! <= 300 && jti);
    assert.equal(sent[2]!.headers.get('authorization'), 'Bearer t1');
  });

  it('sends a secret in the header only', async () => {
    const { client, sent } = clientOf([], { proof: { by: 'secret', secret: 'hush' } });
    await client.read('Patient', '1');
    assert.equal(sent[1]!.headers.get('authorization'), `Basic ${Buffer.from('me:hush').toString('base64')}`);
    assert.ok(!sent[1]!.body.includes('hush'));
  });

  it('uses a token until shortly before its end, and asks once for callers at the same moment', async () => {
    const { client, sent, clock } = clientOf([]);
    const asked = () => sent.filter(({ url }) => url === TOKENS).length;
    await Promise.all([client.read('Patient', '1'), client.read('Patient', '2')]);
    clock.at = 269_000;
    await client.read('Patient', '3');
    assert.equal(asked(), 1);
    clock.at = 271_000;
    await client.read('Patient', '4');
    assert.equal(asked(), 2);
  });

  it('gets one new token when the service does not take its own, and no third', async () => {
    const { client, fhir } = clientOf([refusal(401, 'token-invalid'), refusal(401, 'token-invalid')]);
    await assert.rejects(client.read('Patient', '1'), { code: 'token-invalid' });
    assert.deepEqual(
      fhir().map(({ headers }) => headers.get('authorization')),
      ['Bearer t1', 'Bearer t2'],
    );
  });

  it('waits as Retry-After says, or a little longer each time, and then tries again', async () => {
    const { client, waits } = clientOf([
      { status: 503, headers: { 'retry-after': '7' } },
      { status: 429 },
      new TypeError('fetch failed'),
      { json: { resourceType: 'Patient' } },
    ]);
    assert.equal((await client.read('Patient', '1')).resourceType, 'Patient');
    assert.deepEqual(waits, [7_000, 2_000, 4_000]);
  });

  it('gives up after five attempts, naming who did not answer', async () => {
    const gone = new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
    const { client, fhir } = clientOf(Array(9).fill(gone));
    await assert.rejects(client.read('Patient', '1'), {
      message: 'https://service.example.org cannot be reached (ECONNREFUSED).',
    });
    assert.equal(fhir().length, 5);
  });

  it('tries nothing again that was refused for a reason', async () => {
    const { client, fhir } = clientOf([refusal(403, 'connection-revoked')]);
    await assert.rejects(client.read('Patient', '1'), { code: 'connection-revoked', status: 403 });
    assert.equal(fhir().length, 1);
  });

  it('follows a search through its pages, only as far as wanted, and leaves out what is no match', async () => {
    const page = (ids: string[], next?: string): Answer => ({
      json: {
        resourceType: 'Bundle',
        link: next ? [{ relation: 'next', url: next }] : [],
        entry: [
          ...ids.map((id) => ({ resource: { resourceType: 'Patient', id }, search: { mode: 'match' } })),
          { resource: { resourceType: 'OperationOutcome' }, search: { mode: 'outcome' } },
        ],
      },
    });
    const pages = () => [page(['1', '2'], `${BASE}/Patient?_cursor=b`), page(['3'])];
    const { client, fhir } = clientOf(pages());
    assert.deepEqual(
      (await all(client.search('Patient', { family: 'A&B' }))).map(({ id }) => id),
      ['1', '2', '3'],
    );
    assert.equal(fhir()[0]!.url, `${BASE}/Patient?family=A%26B`);
    const other = clientOf(pages());
    for await (const _ of other.client.search('Patient', {})) break;
    assert.equal(other.fhir().length, 1);
  });

  it('does not take its token to another service that a link names', async () => {
    const elsewhere = { relation: 'next', url: 'https://attacker.example.org/Patient' };
    const { client, fhir } = clientOf([{ json: { resourceType: 'Bundle', link: [elsewhere] } }]);
    await assert.rejects(all(client.search('Patient', {})), /another service/);
    assert.equal(fhir().length, 1);
  });

  it('writes on the condition that its identifier is new', async () => {
    const { client, sent } = clientOf([{ status: 201 }, { status: 200 }, { status: 200 }]);
    const observation = { resourceType: 'Observation', status: 'final', code: {} } as const;
    const identifier = { system: 'https://ids.example.org/x', value: 'a|b' };
    assert.equal(await client.createOnce(observation, identifier), 'created');
    assert.equal(await client.createOnce(observation, identifier), 'existed');
    assert.equal(await client.put(observation, identifier), 'existed');
    const condition = 'identifier=https%3A%2F%2Fids.example.org%2Fx%7Ca%7Cb';
    assert.equal(sent[2]!.headers.get('if-none-exist'), condition);
    assert.equal(sent[4]!.url, `${BASE}/Observation?${condition}`);
    assert.equal(sent[4]!.method, 'PUT');
  });

  it('sends an operation again under the same key, so that what it makes is made once', async () => {
    const { client, sent } = clientOf([
      new TypeError('the answer was lost'),
      { json: { resourceType: 'Parameters', parameter: [{ name: 'a' }] } },
      { json: { resourceType: 'Parameters' } },
    ]);
    const path = 'Organization/$generate-invitation-tokens';
    const answer = await client.operation(path, [{ name: 'b' }], 'once');
    assert.deepEqual(answer.parameter, [{ name: 'a' }]);
    const made = sent.filter(({ url }) => url === `${BASE}/${path}`);
    assert.deepEqual(
      made.map(({ method, headers }) => [method, headers.get('idempotency-key')]),
      Array(2).fill(['POST', '"once"']),
    );
    assert.deepEqual(JSON.parse(made[1]!.body), { resourceType: 'Parameters', parameter: [{ name: 'b' }] });
    await client.operation('Patient/$status-query', []);
    assert.equal(sent.at(-1)!.headers.get('idempotency-key'), null, 'what only asks needs none');
  });
});
