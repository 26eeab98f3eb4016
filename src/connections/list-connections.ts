import { lastUsed } from '../audit/usage.ts';
import type { Context } from '../context.ts';
import type { Status } from './standing.ts';
import { type ListedConnection, latestConnections } from './store.ts';

export const PAGE_SIZE = 20;
export const SORT_KEYS = ['system', 'company', 'status', 'granted', 'used'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export type ListQuery = {
  status: Status | null;
  /** Part of a system's name, a company's name or a client ID. */
  text: string;
  sort: SortKey;
  direction: 'ascending' | 'descending';
  /** From 1; one past the end is answered with the last. */
  page: number;
};

export type ConnectionList = {
  rows: (ListedConnection & { lastUsed: Date | null; lastTold: Date | null })[];
  page: number;
  pages: number;
  /** How many match the filter, and how many there are without it. */
  matching: number;
  total: number;
};

/**
 * The organisation's connections, newest for each system. An organisation has at most a few hundred, so they are
 * read whole and put in order here, by the alphabet people expect whatever the database's own is.
 */
export function createListConnections({ database }: Pick<Context, 'database'>) {
  return async function listConnections(organisationId: string, query: ListQuery): Promise<ConnectionList> {
    const all = await latestConnections(database.service, organisationId);
    const wanted = all.filter(matches(query));
    const used = await lastUsed(
      database.service,
      wanted.map((connection) => connection.id),
    );
    const rows = wanted.map((connection) => {
      const { called, told } = used.get(connection.id) ?? { called: null, told: null };
      return { ...connection, lastUsed: called, lastTold: told };
    });
    const sign = query.direction === 'ascending' ? 1 : -1;
    rows.sort(
      (a, b) => sign * ORDER[query.sort](a, b) || ORDER.system(a, b) || byText(a.clientId, b.clientId),
    );
    const pages = Math.max(1, Math.ceil(rows.length / PAGE_SIZE));
    const page = Math.min(query.page, pages);
    return {
      rows: rows.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE),
      page,
      pages,
      matching: rows.length,
      total: all.length,
    };
  };
}

type Row = ConnectionList['rows'][number];

const { compare: byText } = new Intl.Collator('en-GB', { sensitivity: 'base', numeric: true });
const byTime = (a: Date | null, b: Date | null) => (a?.getTime() ?? 0) - (b?.getTime() ?? 0);

const ORDER: Record<SortKey, (a: Row, b: Row) => number> = {
  system: (a, b) => byText(a.name, b.name),
  company: (a, b) => byText(a.company, b.company),
  status: (a, b) => byText(a.status, b.status),
  granted: (a, b) => byTime(a.grantedAt, b.grantedAt),
  used: (a, b) => byTime(a.lastUsed, b.lastUsed),
};

function matches({ status, text }: ListQuery) {
  const part = text.trim().toLowerCase();
  return (connection: ListedConnection) =>
    (status === null || connection.status === status) &&
    [connection.name, connection.company, connection.clientId].some((known) =>
      known.toLowerCase().includes(part),
    );
}
