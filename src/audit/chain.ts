import { randomBytes } from 'node:crypto';
import type { ClientBase } from 'pg';
import type { BaseLogger } from 'pino';
import type { Secrets } from '../secrets.ts';
import { type AuditValues, microsOf } from './entry.ts';
import { genesisOf, type Head, hashRecord, nameOf, signCheckpoint } from './record.ts';
import { hashAt, insertCheckpoint, insertRecords, type SealedRecord, unnamedHeads } from './store.ts';

export type Chains = ReturnType<typeof createChains>;
export type Chain = Awaited<ReturnType<Chains['open']>>;

/** Before more records are written than these, there is a checkpoint; the batch on its way may come on top. */
export const CHECKPOINT_EVERY = 1000;
export const BATCH_MAX = 256;

/** Opens this process's chains of records: one, unless something went wrong that only a new one mends. */
export function createChains({ secrets, log, now }: ChainNeeds) {
  return {
    /** What a chain's last record says when the process stops in good order: nothing may follow. */
    end: () => marker('chain-end', now(), null),

    /**
     * Begins a chain. Its first record names the last record of every chain that is not yet named so, which makes the
     * end of those as hard to alter as their middle; a checkpoint follows at once.
     */
    async open(client: ClientBase) {
      const id = newChainId(now().getTime());
      const heads = await unnamedHeads(client);
      let head: Head = { chain: id, sequence: 0, hash: genesisOf(id) };
      let signed = 0;
      let signedAt = 0;

      const chain = {
        head: () => head,
        /** Links values to the end of the chain; the end moves only by `advance`, when they are stored. */
        seal(batch: readonly AuditValues[]): SealedRecord[] {
          let { sequence, hash } = head;
          return batch.map((values) => {
            const record = { ...values, chain: id, sequence: ++sequence };
            hash = hashRecord(hash, record);
            return { ...record, hash };
          });
        },
        advance({ sequence, hash }: SealedRecord) {
          head = { chain: id, sequence, hash };
        },
        /** True when this very record, not another in its place, is stored. */
        async holds(session: ClientBase, { sequence, hash }: SealedRecord) {
          return (await hashAt(session, id, sequence))?.equals(hash) ?? false;
        },
        unsigned: () => head.sequence - signed,
        signedAt: () => signedAt,
        /** Signs the end of the chain. Logged too: a log kept elsewhere is a witness that no table can remove. */
        async checkpoint(session: ClientBase) {
          const at = now();
          const signature = signCheckpoint(secrets.auditKey, head, microsOf(at));
          const end = head;
          await insertCheckpoint(session, end, at, signature);
          signed = end.sequence;
          signedAt = performance.now();
          log.info({ ...end, hash: end.hash.toString('hex') }, 'audit checkpoint');
        },
      };

      const first = chain.seal([marker('chain-start', now(), heads.map(nameOf).join(' ') || null)]);
      await insertRecords(client, first);
      chain.advance(first[0]!);
      await chain.checkpoint(client);
      return chain;
    },
  };
}

type ChainNeeds = {
  secrets: Pick<Secrets, 'auditKey'>;
  log: Pick<BaseLogger, 'info'>;
  now: () => Date;
};

/** A record of the audit itself. */
function marker(interaction: 'chain-start' | 'chain-end', at: Date, detail: string | null): AuditValues {
  return {
    micros: microsOf(at),
    request_id: interaction,
    kind: 'audit',
    interaction,
    outcome: 'allowed',
    status: 200,
    client_id: null,
    connection_id: null,
    organisation_id: null,
    account_id: null,
    resource_type: null,
    resource_id: null,
    query: null,
    patients: null,
    count: null,
    bytes: null,
    address: null,
    detail,
    named: null,
  };
}

/** UUIDv7 (RFC 9562 section 5.7): chains sort by when they began, and each fills its own end of the index. */
function newChainId(nowMs: number) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
