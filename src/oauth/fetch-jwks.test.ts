import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { certificateFor } from './certificate-fixture.ts';
import { createFetchJwks } from './fetch-jwks.ts';
import { keyPair } from './fixture.ts';

const HOST = 'vendor.example.org';
const { key, cert } = certificateFor(HOST);
const { jwk } = keyPair();
const SET = JSON.stringify({ keys: [jwk] });

let server: Server;
let answer: RequestListener;
let port: number;
let requests: number;

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

/** A fetcher that reaches the vendor's server on this machine, and nothing but it. */
function fetcher({ addresses = ['127.0.0.1'], timeoutMs = 2000, trusted = cert } = {}) {
  requests = 0;
  const resolved: string[] = [];
  const fetch = createFetchJwks({
    ca: trusted,
    timeoutMs,
    isAllowed: (address) => address === '127.0.0.1',
    resolve: async (host) => {
      resolved.push(host);
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  });
  return { fetch: (path = '/jwks') => fetch(`https://${HOST}:${port}${path}`), resolved };
}

test('keys are fetched from the address that was checked, by the name that was registered', async () => {
  answer = (request, response) => {
    assert.equal(request.headers.host, `${HOST}:${port}`);
    assert.equal(request.method, 'GET');
    response.end(SET);
  };
  const { fetch, resolved } = fetcher();
  const { keySet, freshS } = await fetch();
  assert.deepEqual(
    keySet.keys.map(({ kid }) => kid),
    [jwk.kid],
  );
  assert.equal(freshS, 600);
  assert.deepEqual(resolved, [HOST]); // once: nothing resolves it again after the check
});

for (const [header, freshS] of [
  ['max-age=3600', 3600],
  ['public, max-age=7200', 7200],
  ['max-age=1', 60],
  ['max-age=99999999', 86_400],
  ['no-store', 60],
  ['no-cache, max-age=3600', 60],
  ['nonsense', 600],
] as const) {
  test(`"${header}" keeps the copy fresh for ${freshS} s`, async () => {
    answer = (_request, response) => response.setHeader('cache-control', header).end(SET);
    assert.equal((await fetcher().fetch()).freshS, freshS);
  });
}

test('a name that leads to any address that is not public is not connected to', async () => {
  for (const addresses of [['10.0.0.1'], ['127.0.0.1', '10.0.0.1'], ['::1'], []]) {
    const { fetch } = fetcher({ addresses });
    await assert.rejects(fetch(), /not a public address/);
    assert.equal(requests, 0);
  }
});

test('with nothing injected, this machine cannot be reached, whatever it is called', async () => {
  const fetch = createFetchJwks({ ca: cert });
  requests = 0;
  for (const host of [
    'localhost',
    '127.0.0.1',
    '[::1]',
    '0x7f.1',
    '2130706433',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
  ]) {
    await assert.rejects(
      fetch(`https://${host}:${port}/jwks`),
      /not a public address|ENOTFOUND|EAI_AGAIN/,
      host,
    );
  }
  assert.equal(requests, 0);
});

for (const url of [
  'http://vendor.example.org/jwks',
  'ftp://vendor.example.org/jwks',
  'file:///etc/passwd',
  'https://user:password@vendor.example.org/jwks',
  'https://vendor.example.org/jwks#fragment',
  'vendor.example.org/jwks',
  '',
]) {
  test(`"${url}" is no address of keys`, async () => {
    await assert.rejects(createFetchJwks()(url), /must be https/);
  });
}

test('a redirect is not followed', async () => {
  answer = (_request, response) =>
    response.writeHead(302, { location: `https://${HOST}:${port}/elsewhere` }).end();
  await assert.rejects(fetcher().fetch(), /302, not 200/);
  assert.equal(requests, 1);
});

test('an answer that is too large is cut off', async () => {
  answer = (_request, response) => response.end(JSON.stringify({ keys: [], padding: 'x'.repeat(70_000) }));
  await assert.rejects(fetcher().fetch());
});

test('an endless answer is cut off', async () => {
  answer = (_request, response) => {
    const chunk = 'x'.repeat(16_384);
    const more = () => !response.destroyed && response.write(chunk, () => setImmediate(more));
    more();
  };
  await assert.rejects(fetcher().fetch());
});

test('a server that does not answer in time is given up', async () => {
  answer = () => {};
  await assert.rejects(fetcher({ timeoutMs: 200 }).fetch());
});

test('a server that answers a byte at a time is given up', async () => {
  answer = (_request, response) => {
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  };
  await assert.rejects(fetcher({ timeoutMs: 300 }).fetch());
});

test('a certificate that is not trusted is refused', async () => {
  answer = (_request, response) => response.end(SET);
  await assert.rejects(fetcher({ trusted: certificateFor(HOST).cert }).fetch());
  await assert.rejects(fetcher({ trusted: certificateFor('another.example.org').cert }).fetch());
  assert.equal(requests, 0);
});

for (const [what, status, body] of [
  ['an error page', 500, SET],
  ['nothing new', 304, ''],
  ['a web page', 200, '<html>'],
  ['no key set', 200, '{"error":"x"}'],
  ['a private key', 200, JSON.stringify({ keys: [{ ...jwk, d: 'AQAB' }] })],
] as const) {
  test(`${what} gives no keys`, async () => {
    answer = (_request, response) => response.writeHead(status).end(body);
    await assert.rejects(fetcher().fetch());
  });
}
