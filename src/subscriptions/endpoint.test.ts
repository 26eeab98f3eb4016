import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { checkedEndpoint } from './endpoint.ts';
import { createPost } from './post.ts';

const OWN = ['http://127.0.0.1:8090/letters', 'http://127.9.9.9/', 'http://[::1]:8090/letters'];

test('this machine is no endpoint unless that is set', () => {
  for (const own of OWN) {
    assert.throws(() => checkedEndpoint(own), own);
    assert.throws(() => checkedEndpoint(own, { toLoopback: false }), own);
    assert.equal(checkedEndpoint(own, { toLoopback: true }).href, own);
  }
});

for (const [what, addresses] of Object.entries({
  'private networks': ['http://10.0.0.1/', 'http://192.168.1.1/', 'http://[fd00::1]/', 'http://172.16.0.1/'],
  'the metadata services of clouds': ['http://169.254.169.254/', 'http://[fd00:ec2::254]/'],
  'every address of this machine at once': ['http://0.0.0.0:8090/', 'http://[::]:8090/'],
  'a public address in plain http': ['http://8.8.8.8/', 'http://hooks.example.org/'],
  'a name, which may come to mean another': ['http://localhost:8090/', 'http://127.0.0.1.example.org/'],
  'this machine by https, as without it': ['https://127.0.0.1/', 'https://[::1]/'],
  'other protocols': ['ftp://127.0.0.1/', 'file:///etc/passwd'],
  'users, passwords and fragments': [
    'http://user@127.0.0.1/',
    'http://:pass@127.0.0.1/',
    'http://127.0.0.1/#part',
  ],
})) {
  test(`with it set, ${what} stay refused`, () => {
    for (const address of addresses)
      assert.throws(() => checkedEndpoint(address, { toLoopback: true }), address);
  });
}

test('ports of mail, shells and the like are no endpoints; that of https and the unreserved are', () => {
  for (const port of [22, 25, 80, 465, 587, 993, 1023])
    assert.throws(() => checkedEndpoint(`https://hooks.example.org:${port}/`), /port/);
  for (const port of [443, 1024, 8443, 65_535]) checkedEndpoint(`https://hooks.example.org:${port}/`);
});

test('an address of this machine or a private network is none in any spelling', () => {
  for (const host of [
    ...[
      '127.1',
      '0x7f.0.0.1',
      '2130706433',
      '0177.0.0.1',
      '127.0.0.1.',
      '0',
      '10.1',
      '0xa9fea9fe',
      '1.1.1.1@10.0.0.1',
    ],
    ...[
      '[::]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:a9fe:a9fe]',
      '[64:ff9b::a9fe:a9fe]',
      '[fe80::1]',
    ],
    ...['[2002:a9fe:a9fe::]', '[fd00:ec2::254]', '１２７.0.0.1', '127。0。0。1'],
  ])
    assert.throws(() => checkedEndpoint(`https://${host}/`), host);
});

test('the public internet by https is an endpoint either way', () => {
  for (const toLoopback of [true, false])
    assert.equal(
      checkedEndpoint('https://hooks.example.org/a', { toLoopback }).href,
      'https://hooks.example.org/a',
    );
});

test('the service’s own host is no endpoint, at any port or path, in any spelling', () => {
  const baseUrl = 'https://records.example.org';
  for (const address of [
    'https://records.example.org/',
    'https://records.example.org:8443/oauth/token',
    'https://RECORDS.example.org/hook',
    'https://records.example.org./hook',
    'https://records.example.org../hook',
    'https://r%65cords.example.org/hook',
    'https://user@records.example.org/hook',
  ])
    for (const toLoopback of [true, false])
      assert.throws(() => checkedEndpoint(address, { baseUrl, toLoopback }), address);
  for (const address of ['https://example.org/', 'https://hooks.example.org/', 'https://records.example/'])
    assert.equal(checkedEndpoint(address, { baseUrl }).href, address);
  assert.throws(() =>
    checkedEndpoint('https://[2606:4700::1111]/a', { baseUrl: 'https://[2606:4700::1111]' }),
  );
});

test('where this machine may be one, the port of the service is none, by whichever of its addresses', () => {
  const where = { toLoopback: true, baseUrl: 'http://127.0.0.1:8080' };
  for (const address of ['http://127.0.0.1:8080/hook', 'http://127.0.0.2:8080/', 'http://[::1]:8080/'])
    assert.throws(() => checkedEndpoint(address, where), address);
  for (const own of OWN) assert.equal(checkedEndpoint(own, where).href, own);
});

test('posting reaches this machine only where that is set, and what it redirects to is not followed', async () => {
  let posted = 0;
  const server = createServer((_request, response) => {
    posted += 1;
    response.writeHead(posted > 1 ? 307 : 204, { location: '/again' }).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/letters`;
  try {
    await assert.rejects(createPost()(url, {}, '{}'), { code: 'endpoint-not-allowed' });
    assert.equal(posted, 0);
    const itself = createPost({ toLoopback: true, baseUrl: () => url });
    await assert.rejects(itself(url, {}, '{}'), { code: 'endpoint-not-allowed' });
    assert.equal(posted, 0);
    const post = createPost({ toLoopback: true, baseUrl: () => 'http://127.0.0.1:1' });
    await post(url, {}, '{}');
    await assert.rejects(post(url, {}, '{}'), { code: 'HTTP 307' });
    assert.equal(posted, 2);
    for (const other of ['http://10.0.0.1/', 'http://localhost/', 'http://user@127.0.0.1/'])
      await assert.rejects(post(other, {}, '{}'), { code: 'endpoint-not-allowed' });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
