import { createCheckAttachments } from '../attachments/index.ts';
import type { Context } from '../context.ts';
import type { Definitions } from './definitions/definitions.ts';
import { createCursors } from './search/cursor.ts';
import { createOrganisationIds } from './store/organisation-id.ts';
import { type Query, queryOn } from './store/query.ts';
import { rowBuilder } from './store/row.ts';

/** What every interaction is handed. */
export type Room = ReturnType<typeof createRoom>;

export function createRoom(context: Context, definitions: Definitions) {
  const query: Query = queryOn(context.database.service);
  return {
    context,
    definitions,
    query,
    /** For reads by key, which never wait for anything: they share connections and writes. */
    readQuery: queryOn(context.database.reader),
    /** True where a statement is one of several that stand or fall together. */
    inTransaction: false,
    cursors: createCursors(context.secrets.encryptionKey),
    organisationIds: createOrganisationIds(query),
    buildRow: rowBuilder(definitions),
    checkAttachments: createCheckAttachments(context.config),
  };
}
