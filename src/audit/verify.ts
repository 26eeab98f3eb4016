import { timingSafeEqual } from 'node:crypto';
import type { ClientBase } from 'pg';
import { BATCH_MAX, CHECKPOINT_EVERY } from './chain.ts';
import {
  type Place,
  readNamedHeads,
  readPlaces,
  type StoredCheckpoint,
  type StoredRecord,
} from './read-chains.ts';
import { genesisOf, type Head, hashRecord, signCheckpoint } from './record.ts';

export type ChainReport = {
  chain: string;
  records: number;
  first: Date | null;
  last: Date | null;
  /** Records after the last checkpoint: the end of a chain that goes on, or of one whose process was killed. */
  unsigned: number;
  /** The first thing that is not as it was written. */
  broken: Break | null;
};

export type Break = { at: number; reason: keyof typeof REASONS };

export const REASONS = {
  altered: 'the record was altered, or stands in the place of another',
  missing: 'the record is missing, and the chain goes on after it',
  truncated: 'the record is missing, and with it all that came after',
  added: 'the record was added to a chain that had ended',
  rewritten: 'the record is not the one that was signed or that another chain names',
  forged: 'the checkpoint was not signed with the audit key',
  unsigned: 'there should be a checkpoint by here',
};

/**
 * Checks every chain from its first record to its last, by what is stored and the audit key alone, in flat memory.
 * @param witnesses ends of chains kept elsewhere, such as from the log's `audit checkpoint` lines.
 */
export async function* verifyAudit(
  client: ClientBase,
  auditKey: Buffer,
  witnesses: readonly Head[] = [],
): AsyncGenerator<ChainReport> {
  await client.query('begin isolation level repeatable read read only');
  try {
    yield* verifyWithin(client, auditKey, witnesses);
  } finally {
    await client.query('rollback');
  }
}

/** The same, of what the client's transaction sees. */
export async function* verifyWithin(
  client: ClientBase,
  auditKey: Buffer,
  witnesses: readonly Head[] = [],
): AsyncGenerator<ChainReport> {
  // Sorting millions of rows would fill a disk; the primary keys have them in order.
  await client.query('set local enable_sort = off');
  const named = Map.groupBy([...(await readNamedHeads(client)), ...witnesses], ({ chain }) => chain);
  let checking: ReturnType<typeof checkChain> | undefined;
  for await (const place of readPlaces(client)) {
    if (checking?.chain !== place.chain) {
      if (checking) yield checking.report();
      checking = checkChain(place.chain, auditKey, named.get(place.chain) ?? []);
      named.delete(place.chain);
    }
    checking.next(place);
  }
  if (checking) yield checking.report();
  for (const [chain, heads] of named) yield checkChain(chain, auditKey, heads).report();
}

function checkChain(chain: string, auditKey: Buffer, named: Head[]) {
  const report: ChainReport = { chain, records: 0, first: null, last: null, unsigned: 0, broken: null };
  let previous = genesisOf(chain);
  let sequence = 0;
  let signed = 0;
  let signedBeyond = 0;
  let ended = false;

  const broken = (at: number, reason: Break['reason']) => {
    report.broken ??= { at, reason };
  };

  function checkRecord(record: StoredRecord) {
    if (record.sequence !== sequence + 1) broken(sequence + 1, 'missing');
    sequence = record.sequence;
    if (ended) broken(sequence, 'added');
    if (!hashRecord(previous, record).equals(record.hash)) broken(sequence, 'altered');
    if (named.some((head) => head.sequence === sequence && !head.hash.equals(record.hash))) {
      broken(sequence, 'rewritten');
    }
    previous = record.hash;
    ended = record.kind === 'audit' && record.interaction === 'chain-end';
    const at = new Date(Number(record.micros) / 1000);
    report.records += 1;
    report.first ??= at;
    report.last = at;
  }

  function checkCheckpoint(checkpoint: StoredCheckpoint) {
    const expected = signCheckpoint(auditKey, checkpoint, checkpoint.micros);
    const { signature } = checkpoint;
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      return broken(checkpoint.sequence, 'forged');
    }
    if (checkpoint.sequence !== sequence) signedBeyond = checkpoint.sequence;
    else if (!checkpoint.hash.equals(previous)) broken(sequence, 'rewritten');
    else signed = sequence;
  }

  return {
    chain,
    next({ record, checkpoint }: Place) {
      if (report.broken) {
        report.records += record ? 1 : 0;
        return; // what follows a break says nothing more
      }
      if (record) checkRecord(record);
      if (checkpoint) checkCheckpoint(checkpoint);
      // The first record is signed before there is a second, and the others as often as the writer must.
      const due = signed === 0 ? 1 : CHECKPOINT_EVERY + BATCH_MAX;
      if (sequence - signed > due) broken(sequence, 'unsigned');
    },
    report(): ChainReport {
      const known = Math.max(signedBeyond, ...named.map((head) => head.sequence));
      if (known > sequence) broken(sequence + 1, 'truncated');
      return { ...report, unsigned: Math.max(0, sequence - signed) };
    },
  };
}
