import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import Fastify, { type FastifyReply } from 'fastify';
import pino from 'pino';
import { endConnectionsOnStop, stopOnSignals } from './shutdown.ts';

const log = pino({ level: 'silent' });
const settled = () => new Promise((resolve) => setImmediate(resolve));

let exits: number[];
let undo: () => void;
function given(stop: () => Promise<void>, deadlineMs?: number) {
  exits = [];
  mock.timers.enable({ apis: ['setTimeout'] });
  undo = stopOnSignals(stop, log, { deadlineMs, exit: (code) => exits.push(code) });
}

beforeEach(() => {
  undo = () => undefined;
});
afterEach(() => {
  mock.timers.reset();
  undo();
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} stops the service, and the process ends well once that is done`, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    given(() => promise);
    process.emit(signal);
    await settled();
    assert.deepEqual(exits, []);
    resolve();
    await settled();
    assert.deepEqual(exits, [0]);
    mock.timers.tick(60_000);
    assert.deepEqual(exits, [0]);
  });
}

test('a stop that fails ends the process with an error', async () => {
  given(() => Promise.reject(new Error('no')));
  process.emit('SIGTERM');
  await settled();
  assert.deepEqual(exits, [1]);
});

test('a stop that hangs is given up after its deadline', async () => {
  given(() => new Promise(() => undefined), 5000);
  process.emit('SIGTERM');
  mock.timers.tick(4999);
  assert.deepEqual(exits, []);
  mock.timers.tick(1);
  assert.deepEqual(exits, [1]);
});

test('a second signal ends the process at once; the stop runs only once', async () => {
  const stop = mock.fn(() => new Promise<void>(() => undefined));
  given(stop);
  process.emit('SIGINT');
  process.emit('SIGINT');
  assert.deepEqual(exits, [1]);
  assert.equal(stop.mock.callCount(), 1);
});

for (const [how, send] of [
  ['by the framework', (reply: FastifyReply) => reply.send('answered')],
  ['past it', (reply: FastifyReply) => reply.hijack().raw.end('answered')],
] as const) {
  test(`a request in flight when the stop begins, answered ${how}, is answered and does not hold it up`, async () => {
    const app = Fastify({ keepAliveTimeout: 60_000, forceCloseConnections: 'idle' });
    endConnectionsOnStop(app);
    const arrived = Promise.withResolvers<void>();
    const proceed = Promise.withResolvers<void>();
    app.get('/', async (_request, reply) => {
      arrived.resolve();
      await proceed.promise;
      send(reply);
      return reply;
    });
    const address = await app.listen({ port: 0 });
    const inFlight = fetch(address);
    await arrived.promise;
    const closed = app.close();
    await settled();
    proceed.resolve();
    assert.equal(await (await inFlight).text(), 'answered');
    await closed;
  });
}
