import type pg from 'pg';
import { createCheckAttachments } from '../attachments/index.ts';
import type { Context } from '../context.ts';
import type { Definitions } from './definitions/definitions.ts';
import { createCursors } from './search/cursor.ts';
import { createSearchTogether } from './search/search-together.ts';
import { createCreateTogether } from './store/create-together.ts';
import { createOrganisationIds } from './store/organisation-id.ts';
import { type Query, queryOn } from './store/query.ts';
import { createReadTogether } from './store/read-together.ts';
import { rowBuilder } from './store/row.ts';

/** What every interaction is handed. */
export type Room = ReturnType<typeof createRoom>;

export function createRoom(context: Context, definitions: Definitions) {
  const query: Query = queryOn(context.database.service);
  const readQuery = queryOn(context.database.reader);
  return {
    context,
    definitions,
    query,
    /** For reads by key, which never wait for anything: they share connections and writes. */
    readQuery,
    readOne: createReadTogether(readQuery),
    createOne: createCreateTogether(query),
    /** The same for searches that look at one patient's rows at most, apart so that they hold up no read. */
    searchOne: createSearchTogether(queryOn(context.database.searcher)),
    /** True where a statement is one of several that stand or fall together. */
    inTransaction: false,
    cursors: createCursors(context.secrets.encryptionKey),
    organisationIds: createOrganisationIds(query),
    buildRow: rowBuilder(definitions),
    checkAttachments: createCheckAttachments(context.config),
  };
}

/** The room as it is inside a transaction: every statement goes to the one connection. */
export function roomInside(room: Room, client: pg.ClientBase): Room {
  const query = queryOn(client);
  const organisationIds = createOrganisationIds(query);
  return {
    ...room,
    query,
    readQuery: query,
    readOne: createReadTogether(query),
    createOne: createCreateTogether(query),
    searchOne: createSearchTogether(query),
    organisationIds,
    inTransaction: true,
  };
}
