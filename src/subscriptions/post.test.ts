import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { certificateFor } from '../oauth/certificate-fixture.ts';
import { createPost } from './post.ts';

const HOST = 'vendor.example.org';

describe('posting to an endpoint that a vendor named', () => {
  const { key, cert } = certificateFor(HOST);
  let server: Server;
  let answer: RequestListener;
  let requests: IncomingMessage[];
  let url: string;

  before(async () => {
    server = createServer({ key, cert }, (request, response) => {
      requests.push(request);
      answer(request, response);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `https://${HOST}:${(server.address() as AddressInfo).port}/hook`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    requests = [];
    answer = (_request, response) => response.end();
  });

  /** Reaches the server on this machine, and nothing but it. */
  const poster = ({
    addresses = ['127.0.0.1'],
    trusted = cert as string | undefined,
    timeoutMs = 2000,
    baseUrl = 'https://records.example.org',
  } = {}) =>
    createPost({
      timeoutMs,
      baseUrl: () => baseUrl,
      ...(trusted !== undefined && { ca: trusted }),
      isAllowed: (address) => address === '127.0.0.1',
      resolve: async () => addresses.map((address) => ({ address, family: 4 })),
    });

  it('hands over body and headers as they are', async () => {
    let received = '';
    answer = async (request, response) => {
      received = await text(request);
      response.writeHead(202).end();
    };
    await poster()(url, { 'content-type': 'application/fhir+json', 'x-own': '1' }, '{"a":1}');
    assert.equal(received, '{"a":1}');
    assert.equal(requests[0]!.method, 'POST');
    assert.equal(requests[0]!.headers['x-own'], '1');
  });

  it('takes all but a 2xx for a failure, and goes nowhere else', async () => {
    for (const status of [301, 307, 400, 404, 500]) {
      answer = (_request, response) => response.writeHead(status, { location: url }).end('private words');
      requests = [];
      await assert.rejects(poster()(url, {}, '{}'), { code: `HTTP ${status}` });
      assert.equal(requests.length, 1);
    }
  });

  it('does not connect where one of the addresses is not public', async () => {
    for (const addresses of [['10.0.0.1'], ['127.0.0.1', '169.254.169.254'], []]) {
      await assert.rejects(poster({ addresses })(url, {}, '{}'), { code: 'endpoint-not-allowed' });
    }
    for (const literal of ['https://10.0.0.1/', 'https://[::1]/', 'http://vendor.example.org/']) {
      await assert.rejects(poster()(literal, {}, '{}'), { code: 'endpoint-not-allowed' });
      await assert.rejects(createPost()(literal, {}, '{}'), { code: 'endpoint-not-allowed' });
    }
    assert.equal(requests.length, 0);
  });

  it('does not connect to the service itself, whatever was accepted once', async () => {
    await assert.rejects(poster({ baseUrl: `https://${HOST}` })(url, {}, '{}'), {
      code: 'endpoint-not-allowed',
    });
    assert.equal(requests.length, 0);
  });

  it('does not send to who cannot show a certificate for the name', async () => {
    await assert.rejects(poster({ trusted: certificateFor(HOST).cert })(url, {}, '{}'));
    assert.equal(requests.length, 0);
  });

  it('does not wait for ever', async () => {
    answer = () => {};
    await assert.rejects(poster({ timeoutMs: 200 })(url, {}, '{}'), (error: { code?: string }) =>
      /^(timeout|UND_ERR_[A-Z_]+)$/.test(String(error.code)),
    );
  });
});
