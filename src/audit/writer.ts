import { setTimeout as delay } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import type { BaseLogger } from 'pino';
import { BATCH_MAX, CHECKPOINT_EVERY, type Chain, type Chains } from './chain.ts';
import type { AuditValues } from './entry.ts';
import type { Session } from './session.ts';
import { insertRecords, isDuplicate, isRefusal, type SealedRecord } from './store.ts';
import { AuditUnavailable } from './unavailable.ts';
import { createQueue, turnAway, type Waiting } from './waiting.ts';

/**
 * Group commit without a timer: whatever has gathered is written whenever the last write is done, so one caller waits
 * for one commit and many share it.
 *
 * A batch keeps its chain, sequence and hashes until it is known to stand or not. So when a connection is lost in the
 * middle of a commit the same batch is sent again: if it had been committed after all, the primary key says so.
 */
export function createWriter({ session, chains, log, limits }: WriterNeeds) {
  const { waitingMax, waitMsMax, batchMax, checkpointMsMax } = { ...LIMITS, ...limits };
  const queue = createQueue(batchMax);
  const stopped = new AbortController();
  let chain: Chain | undefined;
  let batch: Batch | undefined;
  let running: Promise<void> | undefined;
  let busySince: number | undefined;
  let failures = 0;
  let failingSince: number | undefined;
  let closing = false;

  const waiting = () => queue.size() + (batch?.waiting.length ?? 0);
  const available = () => failingSince === undefined || performance.now() - failingSince < waitMsMax;

  async function write(values: AuditValues): Promise<void> {
    if (closing) throw new AuditUnavailable('the service is stopping');
    if (waiting() >= waitingMax) throw new AuditUnavailable('too many records are waiting');
    if (!available()) throw new AuditUnavailable('the database is away');
    return add(values);
  }

  function add(values: AuditValues) {
    const written = queue.add(values);
    wake();
    return written;
  }

  function wake() {
    if (!stopped.signal.aborted) running ??= run();
  }

  async function run() {
    // After what is ready now: requests that arrived together share the first commit.
    await new Promise(setImmediate);
    while (!stopped.signal.aborted && (waiting() > 0 || signatureDue() || !session.connected())) {
      busySince = performance.now();
      try {
        const client = await session.open();
        if (stopped.signal.aborted) break;
        await step(client);
        failingSince = undefined;
      } catch (error) {
        session.drop();
        failingSince ??= performance.now();
        if (failures++ === 0) log.warn({ err: error }, 'audit records cannot be written: trying again');
        // At once the first time: most connections that break can be made again.
        if (failures > 1) await pause(Math.min(25 * 2 ** failures, 1000));
      }
    }
    if (stopped.signal.aborted) session.drop(); // opened while the audit was being closed
    busySince = undefined;
    running = undefined;
  }

  async function step(client: ClientBase) {
    if (batch?.unknown && batch.waiting.every(({ since }) => since <= longAgo())) abandon(batch);
    chain ??= await chains.open(client);
    if (signatureDue()) await chain.checkpoint(client);
    if (waiting() === 0) return;
    batch ??= nextBatch(chain);
    await store(client, chain, batch);
    for (const { resolve } of batch.waiting) resolve();
    batch = undefined;
    if (failures > 0) log.info({ failures }, 'audit records are written again');
    failures = 0;
  }

  function nextBatch(chain: Chain): Batch {
    const waiting = queue.take();
    const records = chain.seal(waiting.map(({ values }) => values));
    return { waiting, records, last: records.at(-1)!, unknown: false };
  }

  /** Resolves when the batch stands. */
  async function store(client: ClientBase, chain: Chain, sent: Batch) {
    try {
      await insertRecords(client, sent.records);
      chain.advance(sent.last);
    } catch (error) {
      if (isDuplicate(error) && (await chain.holds(client, sent.last))) {
        // Committed, but perhaps not yet on a synchronous standby: the checkpoint's commit waits for all before it.
        chain.advance(sent.last);
        return chain.checkpoint(client);
      }
      if (isDuplicate(error)) startAnew(sent);
      else if (isRefusal(error) && !sent.unknown) refuse(sent, error);
      else sent.unknown = true;
      throw error;
    }
  }

  /** The database answered that it did not store them: their places in the chain are free again. */
  function refuse(sent: Batch, error: unknown) {
    batch = undefined;
    turnAway(sent.waiting, 'the database refused it', error);
  }

  /** Someone else wrote where this chain goes on. What verifying finds there is theirs; ours goes elsewhere. */
  function startAnew(sent: Batch) {
    log.error(
      { chain: sent.last.chain, sequence: sent.last.sequence },
      'another wrote to the audit chain: a new one begins',
    );
    queue.putBack(sent.waiting);
    batch = undefined;
    chain = undefined;
  }

  /** Nobody waits any more, so nothing need be known but that the next chain names the end of this, wherever it is. */
  function abandon(sent: Batch) {
    turnAway(sent.waiting, 'it took too long');
    batch = undefined;
    chain = undefined;
  }

  /** Nobody waits for ever; a statement that hangs is ended together with its connection. */
  function sweep() {
    queue.expire(longAgo());
    turnAway(batch?.waiting.filter(({ since }) => since <= longAgo()) ?? [], 'it took too long');
    if (busySince !== undefined && busySince <= longAgo()) session.drop();
    if (signatureDue() || !session.connected()) wake();
  }

  const longAgo = () => performance.now() - waitMsMax;
  const signatureDue = () => {
    if (!chain || chain.unsigned() === 0) return false;
    if (closing && queue.size() === 0) return true;
    return chain.unsigned() >= CHECKPOINT_EVERY || performance.now() - chain.signedAt() >= checkpointMsMax;
  };
  const pause = (ms: number) => delay(ms, undefined, { signal: stopped.signal }).catch(() => undefined);

  async function close() {
    if (closing) return;
    closing = true;
    if (chain || waiting() > 0) {
      const written = add(chains.end()).then(
        () => running, // until it is signed, too
        () => undefined, // the database is away: nothing more can be done
      );
      await Promise.race([written, pause(waitMsMax + 500)]);
    }
    stopped.abort();
    clearInterval(sweeper);
    session.drop();
  }

  const sweeper = setInterval(sweep, Math.min(250, waitMsMax / 4)).unref();
  wake(); // so that the first request finds the connection made and the chain begun

  return {
    write,
    close,
    health: () => ({
      available: available() && !closing,
      connected: session.connected(),
      waiting: waiting(),
      chain: chain?.head().chain,
      sequence: chain?.head().sequence ?? 0,
    }),
  };
}

export type WriterLimits = {
  /** Records on their way at most; the next is refused. */
  waitingMax: number;
  /** How long a record may take, and how long the database may be away before new ones are refused at once. */
  waitMsMax: number;
  /** No more than BATCH_MAX, on which verifying relies. */
  batchMax: number;
  /** A quiet chain is signed this long after its last checkpoint. */
  checkpointMsMax: number;
};

const LIMITS: WriterLimits = {
  waitingMax: 5000,
  waitMsMax: 3000,
  batchMax: BATCH_MAX,
  checkpointMsMax: 60_000,
};

type Batch = {
  waiting: Waiting[];
  records: SealedRecord[];
  last: SealedRecord;
  /** It was sent and no answer came: it may stand. */
  unknown: boolean;
};

type WriterNeeds = {
  session: Session;
  chains: Chains;
  log: Pick<BaseLogger, 'info' | 'warn' | 'error'>;
  limits: Partial<WriterLimits> | undefined;
};
