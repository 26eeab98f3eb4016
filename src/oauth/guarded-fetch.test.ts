import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { certificateFor } from './certificate-fixture.ts';
import { createGuardedFetch } from './guarded-fetch.ts';

const HOST = 'sign-in.example.org';
const { key, cert } = certificateFor(HOST);
let server: Server;
let port: number;
let requests = 0;
let answer: RequestListener;

before(async () => {
  server = createServer({ key, cert }, (request, response) => {
    requests += 1;
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const fetcher = (addresses = ['127.0.0.1'], timeoutMs = 1000) =>
  createGuardedFetch({
    ca: cert,
    timeoutMs,
    isAllowed: (address) => address === '127.0.0.1',
    resolve: async () => addresses.map((address) => ({ address, family: 4 })),
  });

test('a provider is asked by the name and at the address that was checked, and its answer arrives whole', async () => {
  answer = (request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () =>
      response
        .writeHead(201, { 'content-type': 'application/json' })
        .end(JSON.stringify([request.headers.host, request.method, request.headers.authorization, body])),
    );
  };
  const response = await fetcher()(`https://${HOST}:${port}/token`, {
    method: 'POST',
    headers: { authorization: 'Basic x' },
    body: new URLSearchParams({ code: 'c' }),
  });
  assert.equal(response.status, 201);
  assert.deepEqual(await response.json(), [`${HOST}:${port}`, 'POST', 'Basic x', 'code=c']);
});

test('nothing but public addresses by https is asked, whatever a provider names', async () => {
  requests = 0;
  for (const [address, addresses] of [
    [`https://${HOST}:${port}/`, ['10.0.0.1']],
    [`https://${HOST}:${port}/`, ['127.0.0.1', '169.254.169.254']],
    [`http://${HOST}:${port}/`, ['127.0.0.1']],
    ['https://10.0.0.1/', ['127.0.0.1']],
    ['https://user:x@sign-in.example.org/', ['127.0.0.1']],
    ['file:///etc/passwd', ['127.0.0.1']],
  ] as const) {
    await assert.rejects(fetcher([...addresses])(address), address);
  }
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    await assert.rejects(createGuardedFetch({ ca: cert })(`https://${host}:${port}/`), host);
  }
  assert.equal(requests, 0);
});

test('a redirect is not followed, a slow or endless answer is cut off', async () => {
  answer = (_request, response) => response.writeHead(302, { location: `https://${HOST}:${port}/x` }).end();
  requests = 0;
  assert.equal((await fetcher()(`https://${HOST}:${port}/`)).status, 302);
  assert.equal(requests, 1);
  answer = () => {};
  await assert.rejects(fetcher(['127.0.0.1'], 200)(`https://${HOST}:${port}/`));
  answer = (_request, response) => response.end('x'.repeat(300_000));
  await assert.rejects(fetcher()(`https://${HOST}:${port}/`));
});
