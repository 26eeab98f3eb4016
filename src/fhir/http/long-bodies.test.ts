import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { createWorld, observationOf, type World } from '../../../test/support/world.ts';
import { SHORT_BYTES_MAX } from './long-bodies.ts';

const MB = 1024 * 1024;
const UNKNOWN = 'A'.repeat(43);

describe('a long body', { timeout: 60_000 }, () => {
  let world: World;
  let here: Awaited<ReturnType<World['organisation']>>;
  let token: string;
  let patient: { id: string };
  let decisions = 0;
  const sockets: Socket[] = [];

  before(async () => {
    world = await createWorld();
    here = await world.organisation();
    ({ token } = await world.access(here));
    patient = await world.patient(here);
    await world.app.listen({ host: '127.0.0.1', port: 0 });
    const { service } = world.context.database;
    const query = service.query.bind(service) as (...sent: unknown[]) => never;
    service.query = (...sent: unknown[]) => {
      decisions += Number((sent[0] as { name?: string }).name === 'fhir-decide');
      return query(...sent);
    };
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await world?.stop();
  });
  beforeEach(() => {
    world.audit.splice(0);
    decisions = 0;
  });

  /** A connection of which the request's head has been sent, and no more than the first byte of its body. */
  async function begun(
    path: string,
    by: string | null,
    length: number | 'chunked',
    method = 'POST',
    more: string[] = [],
  ) {
    const socket = connect((world.app.server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const seen = { text: '' };
    socket.setEncoding('utf8').on('data', (text: string) => {
      seen.text += text;
    });
    const head = [
      `${method} /organisations/${here.id}/fhir/R4${path} HTTP/1.1`,
      'host: records.example',
      'content-type: application/fhir+json',
      ...more,
      ...(by === null ? [] : [`authorization: Bearer ${by}`]),
      length === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${length}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${length === 'chunked' ? '1\r\n{\r\n' : '{'}`);
    return { socket, seen, answers: () => seen.text.match(/HTTP\/1\.1 \d+/g)?.map((line) => line.slice(9)) };
  }

  async function until(holds: () => boolean): Promise<void> {
    for (let waited = 0; !holds(); waited += 5) {
      assert.ok(waited < 5000, 'it did not come to pass');
      await later(5);
    }
  }

  const paths: [path: string, interaction: string, method?: string][] = [
    ['', 'batch'],
    ['/Observation', 'create'],
    ['/Binary', 'create'],
    ['/Binary/1', 'update', 'PUT'],
    ['/Patient/$register', '$register'],
    ['/Patient/$status-query', '$status-query'],
    ['/Observation/_search', 'search-type'],
    ['/Nothing/1', 'unknown'],
    ['/Subscription', 'create'],
  ];

  for (const by of [null, UNKNOWN]) {
    const wanted = by === null ? 'token-missing' : 'token-invalid';
    it(`is refused with ${wanted} while it is on its way, whatever it is for, with one record`, async () => {
      for (const [path, interaction, method] of paths) {
        for (const length of [SHORT_BYTES_MAX + 1, 'chunked'] as const) {
          world.audit.splice(0);
          const { socket, seen, answers } = await begun(path, by, length, method);
          await until(() => seen.text.endsWith('}'));
          assert.deepEqual(answers(), ['401'], path);
          assert.match(seen.text, new RegExp(`"${wanted}"`));
          assert.match(seen.text, /^www-authenticate: Bearer/im);
          const records = world.audit.map(({ outcome, ...one }) => [outcome, one.interaction, one.patients]);
          assert.deepEqual(records, [[wanted, interaction, []]], path);
          socket.destroy();
        }
      }
    });
  }

  it('at an open address is refused while it is on its way as well', async () => {
    const { seen, answers } = await begun('/metadata', null, MB);
    await until(() => seen.text.endsWith('}'));
    assert.deepEqual(answers(), ['405']);
    assert.equal(world.audit.length, 1);
  });

  it('that goes on after the answer leaves a connection that can be used again', async () => {
    const { socket, seen, answers } = await begun('/Observation', UNKNOWN, MB);
    await until(() => seen.text.endsWith('}'));
    socket.write(Buffer.alloc(MB - 1, 32));
    socket.write(`GET /organisations/${here.id}/fhir/R4/metadata HTTP/1.1\r\nhost: records.example\r\n\r\n`);
    await until(() => answers()?.length === 2);
    assert.deepEqual(answers(), ['401', '200']);
  });

  it('on a connection that is to be closed is answered once it is over, or its caller would not hear it', async () => {
    const { socket, seen, answers } = await begun('', UNKNOWN, 8 * MB, 'POST', ['connection: close']);
    const closed = new Promise((gone) => socket.once('close', gone));
    for (let sent = 1; sent < 8 * MB; sent += MB) {
      socket.write(Buffer.alloc(Math.min(MB, 8 * MB - sent), 32));
      await until(() => !socket.writableNeedDrain || socket.destroyed);
      assert.equal(socket.destroyed, false);
    }
    await closed;
    assert.deepEqual(answers(), ['401']);
    assert.ok(seen.text.endsWith('}'));
    assert.equal(world.audit.length, 1);
  });

  it('that says that it is more than is let by is answered at once, and its connection is closed', async () => {
    const { seen, answers } = await begun('/Observation', UNKNOWN, 3 * MB, 'POST', ['connection: close']);
    await until(() => seen.text.endsWith('}'));
    assert.deepEqual(answers(), ['401']);
  });

  it('that goes on without an end ends with its connection', async () => {
    const { socket, seen } = await begun('/Observation', UNKNOWN, 'chunked');
    await until(() => seen.text.endsWith('}'));
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 32), Buffer.from('\r\n')]);
    let sent = 0;
    for (; sent < 64 * MB && !socket.destroyed; sent += chunk.length) {
      socket.write(chunk);
      await until(() => !socket.writableNeedDrain || socket.destroyed);
    }
    await until(() => socket.destroyed);
    assert.ok(sent > 2 * MB, 'what is no longer than it may be does not end it');
    assert.equal(world.audit.length, 1);
  });

  for (const [who, by, outcome] of [
    ['who is known', () => token, 'request-malformed'],
    ['who is unknown', () => UNKNOWN, 'token-invalid'],
  ] as const) {
    it(`whose caller, ${who}, leaves while it is asked who that is has its record`, async () => {
      const { service } = world.context.database;
      const { query } = service;
      const asked = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      service.query = (async (...sent: unknown[]) => {
        asked.resolve();
        await go.promise;
        return (query as (...all: unknown[]) => unknown)(...sent);
      }) as never;
      try {
        const connected = once(world.app.server, 'connection') as Promise<[Socket]>;
        const { socket } = await begun('/Observation', by(), MB, 'POST', ['connection: close']);
        const [peer] = await connected;
        await asked.promise;
        const gone = new Promise((left) => peer.once('close', left));
        socket.resetAndDestroy();
        await gone;
        go.resolve();
        await until(() => world.audit.length === 1);
        assert.equal(world.audit[0]?.outcome, outcome);
      } finally {
        service.query = query;
      }
    });
  }

  it('of a known caller is read, and names its patients, though it is refused', async () => {
    const { token: narrow } = await world.access(here, { scopes: ['system/Location.r'] });
    const note = [{ text: 'x'.repeat(SHORT_BYTES_MAX) }];
    const post = { method: 'POST' as const, body: { ...observationOf(patient), note } };
    assert.equal((await world.fhir(here, narrow, '/Observation', post)).code, 'scope-insufficient');
    assert.deepEqual(world.audit[0]?.named, [patient.id]);
    assert.equal((await world.fhir(here, token, '/Observation', post)).status, 201);
    assert.equal(world.audit.length, 2);
  });

  it('is what is asked about beforehand: a short one costs no statement more', async () => {
    const post = { method: 'POST' as const, body: observationOf(patient) };
    assert.equal((await world.fhir(here, token, '/Observation', post)).status, 201);
    assert.equal(decisions, 0);
    const note = [{ text: 'x'.repeat(SHORT_BYTES_MAX) }];
    const long = { method: 'POST' as const, body: { ...observationOf(patient), note } };
    assert.equal((await world.fhir(here, token, '/Observation', long)).status, 201);
    assert.equal(decisions, 1);
  });

  it('that is larger than is taken is too large for those who are known', async () => {
    const { seen, answers } = await begun('/Observation', token, 3 * MB);
    await until(() => seen.text.endsWith('}'));
    assert.deepEqual(answers(), ['413']);
    assert.equal(world.audit.length, 1);
  });
});
