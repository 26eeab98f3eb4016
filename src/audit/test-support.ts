import { randomUUID } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import pino from 'pino';
import type { TestDatabase } from '../../test/support/database.ts';
import { type AuditEntry, createAudit } from './audit.ts';
import { verifyAudit } from './verify.ts';
import type { WriterLimits } from './writer.ts';

export const AUDIT_KEY = Buffer.alloc(32, 'audit key of the tests');

type Settings = {
  limits?: Partial<WriterLimits>;
  newClient?: TestDatabase['database']['newClient'];
  now?: () => Date;
  auditKey?: Buffer;
};

export function auditOf({ database }: TestDatabase, settings: Settings = {}) {
  return createAudit({
    database: { newClient: settings.newClient ?? database.newClient },
    secrets: { auditKey: settings.auditKey ?? AUDIT_KEY },
    log: pino({ level: 'silent' }),
    now: settings.now ?? (() => new Date()),
    limits: settings.limits,
  });
}

export function entryOf(part: Partial<AuditEntry> = {}): AuditEntry {
  return {
    kind: 'fhir',
    interaction: 'read',
    outcome: 'allowed',
    status: 200,
    requestId: randomUUID(),
    ...part,
  };
}

/** What verifying says of each chain, oldest first. */
export async function verified(
  { database }: TestDatabase,
  witnesses: Parameters<typeof verifyAudit>[2] = [],
) {
  const client = await database.owner.connect();
  try {
    return await collect(verifyAudit(client, AUDIT_KEY, witnesses));
  } finally {
    client.release();
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The request ids that are recorded, each as often as it is. */
export async function recorded({ database }: TestDatabase): Promise<string[]> {
  const { rows } = await database.owner.query<{ request_id: string }>(
    `select request_id from audit_record where kind <> 'audit' order by chain, sequence`,
  );
  return rows.map((row) => row.request_id);
}

export type Cut = 'before the statement' | 'before the answer';

/**
 * A way to the database that breaks when told to: so that the next thing sent never arrives, or arrives, is done, and
 * its answer never comes back.
 */
export async function breakableWay({ url }: TestDatabase) {
  const { host, port, user, password, database } = new pg.Client({ connectionString: url });
  const target = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  let next: Cut | undefined;
  const sockets = new Set<Socket>();
  const nearSides = new Set<Socket>();
  const leftOpen = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target);
    let deaf = false;
    nearSides.add(near);
    const end = () => {
      near.destroy();
      if (!leftOpen.has(near)) far.destroy();
    };
    near.on('data', (sent) => {
      if (next === 'before the statement') end();
      else far.write(sent);
      deaf = next === 'before the answer';
      next = undefined;
    });
    far.on('data', (answer) => (deaf ? end() : near.write(answer)));
    for (const socket of [near, far]) {
      socket.on('error', () => undefined).on('close', end);
      sockets.add(socket);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: nearPort } = server.address() as { port: number };
  return {
    newClient: (options: pg.ClientConfig = {}) =>
      new pg.Client({
        ...{ user, password: password ?? undefined, database, host: '127.0.0.1', port: nearPort },
        options: '-c role=cs_service',
        ...options,
      }),
    cutNext(cut: Cut) {
      next = cut;
    },
    /** Ends what is open on this side only: the server does not notice, and goes on with what it was told. */
    loseConnections() {
      for (const near of nearSides) {
        leftOpen.add(near);
        near.destroy();
      }
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Holds every write to the audit back until it is let go. */
export async function holdWrites({ database }: TestDatabase) {
  const client = await database.owner.connect();
  await client.query('begin; lock table audit_record in share mode');
  return async () => {
    await client.query('rollback');
    client.release();
  };
}
