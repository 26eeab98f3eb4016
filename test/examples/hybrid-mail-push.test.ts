import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Subscription } from '@medplum/fhirtypes';
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose';
import { listenForReceipts, type Push } from '../../examples/hybrid-mail/push/listen-for-receipts.ts';
import { pushAddress } from '../../examples/hybrid-mail/push/push-address.ts';
import type { FhirClient } from '../../examples/shared/fhir-client.ts';
import { openFolder } from '../../examples/shared/ledger.ts';
import { Refused } from '../../examples/shared/refused.ts';
import { freePort } from '../../examples/tour/free-port.ts';
import { notificationBundle } from '../../src/subscriptions/notification-bundle.ts';
import { signDetached } from '../../src/subscriptions/sign.ts';
import { eventually } from '../support/child.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const LONG_MS = 60_000;

describe('being told of letters that are read', () => {
  const root = mkdtempSync(join(tmpdir(), 'hybrid-mail-push-'));
  const server = createServer();
  let served: object;
  let serviceKey: { kid: string; key: CryptoKey };
  let strangersKey: typeof serviceKey;
  let base: string;
  let endpoint: string;

  let held: Subscription[];
  let creates: number;
  let refusal: Error | undefined;
  let told: string[];
  let folder: ReturnType<typeof openFolder>;
  let push: Push | undefined;
  let numbered = 0;

  /** The service's side of Subscriptions. */
  const client = {
    async *search() {
      yield* held;
    },
    async create(sent: Subscription) {
      if (refusal) throw refusal;
      creates += 1;
      held.push({ ...sent, id: `s${creates}` });
    },
    async remove(_type: string, id: string) {
      held = held.filter((one) => one.id !== id);
    },
  } as unknown as FhirClient;

  before(async () => {
    const pair = async (kid: string) => {
      const { publicKey, privateKey } = await generateKeyPair('ES384', { extractable: true });
      return { kid, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES384' } };
    };
    const [service, stranger] = [await pair('k1'), await pair('k1')];
    [serviceKey, strangersKey] = [service, stranger];
    served = { keys: [service.jwk] };
    server.on('request', (_request, response) => response.end(JSON.stringify(served)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/organisations/ZX1/fhir/R4`;
    endpoint = `http://127.0.0.1:${await freePort()}/letters`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(root, { recursive: true });
  });
  beforeEach(async () => {
    [held, creates, refusal, told] = [[], 0, undefined, []];
    folder = openFolder(join(root, `folder-${++numbered}`));
  });
  afterEach(async () => {
    await push?.stop(false);
    push = undefined;
  });

  const listen = async (remindAfterMs?: number) => {
    const address = pushAddress(endpoint, undefined);
    const tell = (text: string) => told.push(text);
    const parts = { ...address, fhirBase: base, folder, now: () => NOW, tell, remindAfterMs };
    push = await listenForReceipts(client, parts);
    return push;
  };
  const stop = async (done: boolean) => {
    await push!.stop(done);
    push = undefined;
  };

  /** What the service would post, made by its own code. */
  async function notification(number: string | null, parts: Parts = {}) {
    const id = randomUUID();
    const taken = {
      id,
      topic: number === null ? ('handshake' as const) : ('letter-read' as const),
      subscribedTopic: 'letter-read' as const,
      subscriptionId: parts.subscription ?? 's1',
      status: 'active',
      at: NOW,
      change: 'update',
      focusType: number === null ? null : 'DocumentReference',
      focusId: number === null ? null : 'd1',
      patientId: null,
      number,
    };
    const body = notificationBundle(taken as never, parts.base ?? base, NOW);
    const { audience = endpoint, issuer = new URL(base).origin, at = NOW, jti = id } = parts;
    const signature = await signDetached(parts.key ?? serviceKey, body, { audience, issuer, at, id: jti });
    return { body, signature };
  }
  type Parts = {
    subscription?: string;
    base?: string;
    audience?: string;
    issuer?: string;
    at?: Date;
    jti?: string;
    key?: typeof serviceKey;
  };
  const post = async ({ body, signature }: { body: string; signature?: string }, method = 'POST') =>
    (
      await fetch(endpoint, {
        method,
        body: method === 'POST' ? body : undefined,
        headers: signature === undefined ? {} : { 'x-jws-signature': signature },
      })
    ).status;
  /** Whether something has happened of which the program must ask. */
  async function woken(): Promise<boolean> {
    const stopped = new AbortController();
    const paused = push!.pause(LONG_MS, stopped.signal).then(() => !stopped.signal.aborted);
    const timer = setTimeout(() => stopped.abort(), 1000);
    return paused.finally(() => clearTimeout(timer));
  }
  const kept = () =>
    readFileSync(folder.file('notifications.csv'), 'utf8')
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(',').slice(0, 2).join(' '));

  it('subscribes once, answers the handshake, and asks then for what was read before it', async () => {
    await listen();
    assert.equal(creates, 1);
    assert.equal(held[0]!.channel.endpoint, endpoint);
    assert.equal(await post(await notification(null)), 204);
    assert.equal(await woken(), true);
    assert.ok(told.some((text) => /^Handshake/.test(text)));
  });

  it('is woken by each event once, in whatever order and however often they come', async () => {
    await listen();
    const second = await notification('2');
    for (const one of [second, await notification('1'), await notification('7')])
      assert.equal(await post(one), 204);
    assert.equal(await woken(), true);
    for (const one of [second, await notification('2'), await notification('1')])
      assert.equal(await post(one), 204, 'what was had is taken, or it would come again');
    assert.equal(await woken(), false);
    assert.deepEqual(kept(), ['s1 2', 's1 1', 's1 7']);
  });

  it('knows after a restart what it had, and goes on with the same subscription', async () => {
    await listen();
    const first = await notification('1');
    await post(first);
    await stop(false);
    assert.equal(held.length, 1);
    await listen();
    assert.equal(creates, 1);
    assert.equal(await post(first), 204);
    assert.equal(await woken(), false);
    assert.equal(await post(await notification('2')), 204);
    assert.equal(await woken(), true);
    assert.deepEqual(kept(), ['s1 1', 's1 2']);
  });

  it('ends the subscription when nothing is waited for any more', async () => {
    await listen();
    await stop(true);
    assert.deepEqual(held, []);
  });

  it('takes nothing whose signature does not hold', async () => {
    await listen();
    const real = await notification('1');
    const [header, , signature] = real.signature.split('.');
    for (const [what, one] of Object.entries({
      'none at all': { body: real.body },
      'a changed body': { ...real, body: real.body.replace('"update"', '"delete"') },
      'another’s key under the same name': await notification('1', { key: strangersKey }),
      'a key that is not the service’s': await notification('1', { key: { ...strangersKey, kid: 'k2' } }),
      'no algorithm': {
        body: real.body,
        signature: `${Buffer.from('{"alg":"none"}').toString('base64url')}..`,
      },
      'a signature that brings its own body': {
        body: real.body,
        signature: `${header}.${Buffer.from(real.body).toString('base64url')}.${signature}`,
      },
    }))
      assert.equal(await post(one), 401, what);
    assert.equal(await woken(), false);
    assert.deepEqual(kept(), []);
  });

  it('takes nothing that is signed for another, by another, or at another time', async () => {
    await listen();
    for (const [what, parts] of Object.entries<Parts>({
      'another endpoint': { audience: 'https://hooks.example.org/letters' },
      'another service': { issuer: 'https://elsewhere.example.org' },
      'six minutes ago': { at: new Date(NOW.getTime() - 360_000) },
      'six minutes ahead': { at: new Date(NOW.getTime() + 360_000) },
      'another notification': { jti: randomUUID() },
    }))
      assert.equal(await post(await notification('1', parts)), 401, what);
    const elsewhere = 'https://elsewhere.example.org/organisations/ZX1/fhir/R4';
    assert.equal(await post(await notification('1', { base: elsewhere })), 400);
    assert.equal(await woken(), false);
  });

  it('knows its subscription though the service names the organisation by its id, not by the ODS code', async () => {
    await listen();
    const byId = base.replace('ZX1', randomUUID());
    assert.equal(await post(await notification(null, { base: byId })), 204);
    assert.equal(await post(await notification('1', { base: byId })), 204);
    assert.equal(await woken(), true);
  });

  it('shakes no hands for a subscription that somebody else made with its address', async () => {
    await listen();
    assert.equal(await post(await notification(null, { subscription: 'theirs' })), 404);
    assert.equal(await post(await notification('1', { subscription: 'theirs' })), 404);
  });

  it('says so when the service does not reach it, with the service’s own reason', async () => {
    await listen(1);
    held = [{ ...held[0]!, error: 'ECONNREFUSED' }];
    await eventually(() => told.some((text) => /has not reached .+ \(ECONNREFUSED\)/.test(text)));
    await stop(false);
    held = [{ ...held[0]!, status: 'active' }];
    told = [];
    await listen(1);
    await woken();
    assert.ok(!told.some((text) => /has not reached/.test(text)));
  });

  it('answers nothing but posts of a size that notifications have', async () => {
    await listen();
    assert.equal(await post(await notification('1'), 'GET'), 405);
    assert.equal(await post({ body: 'x'.repeat(70_000) }), 413);
  });

  it('says what to do where the service does not post, and stops listening', async () => {
    const text = 'Subscription.channel.endpoint: The endpoint must be an https address';
    refusal = new Refused({ status: 422, code: 'resource-invalid', text, reference: null });
    await assert.rejects(listen(), { name: 'UsageError', message: /PUSH_TO_LOOPBACK=true/ });
    await assert.rejects(fetch(endpoint));
    refusal = undefined;
    await listen();
    await assert.rejects(listen(), { name: 'UsageError', message: /EADDRINUSE.*--listen/ });
  });
});

describe('the address to be told at', () => {
  it('is https, or plain on this machine, and may be another than where the program listens', () => {
    assert.deepEqual(pushAddress('http://127.0.0.1:9001/letters', undefined), {
      endpoint: 'http://127.0.0.1:9001/letters',
      host: '127.0.0.1',
      port: 9001,
    });
    const hook = 'https://hooks.example.org/letters';
    const at = (listen?: string) => {
      const { host, port } = pushAddress(hook, listen);
      return `${host} ${port}`;
    };
    assert.deepEqual(
      [at(), at('9000'), at('0.0.0.0:9000'), at('[::]:9000')],
      ['127.0.0.1 8090', '127.0.0.1 9000', '0.0.0.0 9000', ':: 9000'],
    );
  });

  it('is refused for what the service could not, or should not, post to', () => {
    for (const push of ['letters', 'http://hooks.example.org/', 'http://10.0.0.1/', 'https://a:b@c.example/'])
      assert.throws(() => pushAddress(push, undefined), { name: 'UsageError', message: /^--push/ });
    for (const listen of ['', 'x', '0', '70000', 'name:80'])
      assert.throws(() => pushAddress('https://a.example/', listen), /^UsageError: --listen/);
  });
});
