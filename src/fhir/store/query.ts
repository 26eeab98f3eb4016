import type pg from 'pg';

/** Who asks for what: the first three parameters of every statement; permissions as PostgreSQL writes an array. */
export type Asked = readonly [tokenHash: Buffer, organisation: string, permissions: string];

/** All that a decision depends on, as a name. The hash has a fixed length, and the others hold no space. */
export const decidedBy = ([tokenHash, organisation, permissions]: Asked): string =>
  `${tokenHash.toString('latin1')} ${organisation} ${permissions}`;

/** Runs one named (so prepared once on each connection) statement. */
export type Query = <T>(name: string, text: string, values: readonly unknown[]) => Promise<T[]>;

/** `on` a pool or a pipeline, each statement is its own transaction, which is what decide() counts on. */
export function queryOn(on: On): Query {
  return async (name, text, values) => (await on.query({ name, text, values: values as unknown[] })).rows;
}

type On = { query(statement: pg.QueryConfig): Promise<pg.QueryResult> };
