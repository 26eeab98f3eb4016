import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import pg from 'pg';
import { setUpMetrics } from './metrics.ts';

const TOKEN = 'a-token-for-the-metrics';
const pools = { service: new pg.Pool(), owner: new pg.Pool() };

/** A service with one route, which was asked for `paths`. */
async function service(settings: { metricsPort?: number; metricsToken?: string }, paths: string[] = []) {
  const app = Fastify();
  const config = { host: '127.0.0.1', metricsPort: undefined, metricsToken: undefined, ...settings };
  const { registry } = setUpMetrics(app, config, pools);
  app.get('/patients/:id', async (request, reply) => {
    const { id } = request.params as { id: string };
    return reply.code(id === 'none' ? 404 : 200).send({});
  });
  for (const path of paths) await app.inject(path);
  return { app, registry };
}

test('requests are counted by route pattern, method and status; no address is kept', async () => {
  const { app, registry } = await service({}, [
    '/patients/9990000018',
    '/patients/none',
    '/patients/none',
    '/guess/9990000018',
  ]);
  const text = await registry.metrics();
  const count = (labels: string) => text.includes(`http_request_duration_seconds_count{${labels}} `);
  assert.ok(count('method="GET",route="/patients/:id",status="200"'));
  assert.match(text, /_count\{method="GET",route="\/patients\/:id",status="404"\} 2/);
  assert.ok(count('method="GET",route="none",status="404"'));
  assert.doesNotMatch(text, /9990000018/);
  await app.close();
});

test('a request that is answered is no longer in flight', async () => {
  const { app, registry } = await service({});
  const address = await app.listen({ port: 0 });
  await Promise.all([1, 2, 3].map(() => fetch(`${address}/patients/1`)));
  await app.close();
  assert.match(await registry.metrics(), /^http_requests_in_flight 0$/m);
});

test('the pools of database connections and the process are watched', async () => {
  const { app, registry } = await service({});
  const text = await registry.metrics();
  assert.match(text, /database_pool_connections\{pool="service",state="waiting"\} 0/);
  assert.match(text, /^process_resident_memory_bytes \d+/m);
  await app.close();
});

test('with neither a port nor a token there are no metrics to be had', async () => {
  const { app } = await service({});
  assert.equal((await app.inject('/metrics')).statusCode, 404);
  await app.close();
});

test('with a token only its bearer reads them', async () => {
  const { app } = await service({ metricsToken: TOKEN });
  const ask = (authorization?: string) =>
    app.inject({ url: '/metrics', headers: authorization ? { authorization } : {} });
  for (const wrong of [undefined, 'Bearer', 'Bearer wrong', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, TOKEN]) {
    const answer = await ask(wrong);
    assert.equal(answer.statusCode, 401, wrong);
    assert.match(String(answer.headers['www-authenticate']), /^Bearer/);
    assert.doesNotMatch(answer.body, /process_/);
  }
  const answer = await ask(`Bearer ${TOKEN}`);
  assert.equal(answer.statusCode, 200);
  assert.match(String(answer.headers['content-type']), /^text\/plain/);
  await app.close();
});

test('with a port of their own they are there and not at the public address', async () => {
  const lines: string[] = [];
  const app = Fastify({ logger: { stream: { write: (line: string) => lines.push(line) } } });
  setUpMetrics(app, { host: '127.0.0.1', metricsPort: 0, metricsToken: TOKEN }, pools);
  await app.listen({ port: 0 });
  const { metrics } = lines.map((line) => JSON.parse(line)).find((line) => line.metrics);
  const address = `http://127.0.0.1:${metrics.port}`;
  assert.equal((await app.inject('/metrics')).statusCode, 404);
  assert.equal((await fetch(`${address}/metrics`)).status, 401);
  assert.equal((await fetch(`${address}/other`)).status, 404);
  const answer = await fetch(`${address}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.match(await answer.text(), /process_cpu_seconds_total/);
  await app.close();
  await assert.rejects(fetch(`${address}/metrics`));
});
