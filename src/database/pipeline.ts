import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { isUnavailable } from './unavailable.ts';

/**
 * Connections on which statements are sent at once, without waiting for the answers to those before: those of one turn
 * of the event loop leave in one write. Each statement is its own transaction, as on a pool. For short statements that
 * wait for nobody (a read by key): one that is slow holds up those behind it, and so does each commit.
 * @param options.inFlightMax of one connection. Far more than is answered within a second by default; whoever comes on
 * top is better told to come again.
 */
export function createPipeline(
  newClient: (options: pg.ClientConfig) => pg.Client,
  { connections = 2, inFlightMax = 2000 } = {},
) {
  const lanes: Lane[] = Array.from({ length: connections }, () => ({ inFlight: 0, corked: false }));

  /** The lane's connection, made when it is first needed and again when it was lost. */
  function open(lane: Lane): Promise<pg.Client> {
    lane.opening ??= connect(lane).catch((error) => {
      lane.opening = undefined;
      throw error;
    });
    return lane.opening;
  }

  async function connect(lane: Lane): Promise<pg.Client> {
    const client = newClient({ pipeline: true } as pg.ClientConfig);
    client.once('error', () => leave(lane, client));
    client.once('end', () => leave(lane, client));
    await client.connect();
    lane.client = client;
    return client;
  }

  async function send<Row extends pg.QueryResultRow>(lane: Lane, statement: pg.QueryConfig) {
    const client = lane.client ?? (await open(lane));
    gather(lane, client);
    try {
      return await client.query<Row>(statement);
    } catch (error) {
      // It says so before it is closed; the next statement is not to go the same way.
      if (isUnavailable(error)) leave(lane, client);
      throw error;
    }
  }

  return {
    /**
     * Runs one named statement.
     * @throws like a pool does; an error that `isUnavailable` knows when there are too many under way.
     */
    async query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
      const lane = lanes.reduce((least, one) => (one.inFlight < least.inFlight ? one : least));
      if (lane.inFlight >= inFlightMax) throw overloaded();
      lane.inFlight += 1;
      try {
        return await send<Row>(lane, statement);
      } finally {
        lane.inFlight -= 1;
      }
    },

    async end(): Promise<void> {
      await Promise.allSettled(lanes.map(async ({ opening }) => (await opening)?.end()));
    },
  };
}

type Lane = { client?: pg.Client; opening?: Promise<pg.Client>; inFlight: number; corked: boolean };

function leave(lane: Lane, client: pg.Client): void {
  if (lane.client !== client) return;
  lane.client = undefined;
  lane.opening = undefined;
  client.end().catch(() => undefined);
}

/** Holds back what is sent until this turn of the event loop has seen all that came in. */
function gather(lane: Lane, client: pg.Client): void {
  if (lane.corked) return;
  const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
  lane.corked = true;
  stream.cork();
  setImmediate(() => {
    lane.corked = false;
    stream.uncork();
  });
}

/** SQLSTATE 53300 is what a server says that has no connection left: the same to whoever asks. */
function overloaded(): Error {
  return Object.assign(new Error('too many statements are under way'), { code: '53300' });
}
