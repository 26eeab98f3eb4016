import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { isAdministrator } from './acting-of.ts';
import { type ListQuery, PAGE_SIZE, SORT_KEYS, type SortKey } from './list-connections.ts';
import { permissionsInWords } from './permissions-in-words.ts';
import type { Room } from './routes.ts';
import { STATUSES, type Status } from './standing.ts';

const Query = Type.Object({
  status: Type.String({ default: '', maxLength: 100 }),
  search: Type.String({ default: '', maxLength: 200 }),
  sort: Type.String({ default: '', maxLength: 100 }),
  direction: Type.String({ default: '', maxLength: 100 }),
  page: Type.String({ default: '', maxLength: 100 }),
});

const PERMISSIONS_SHOWN = 3;

/** /connected-systems: the list. */
export function listRoutes(app: FastifyInstance, room: Room): void {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/connected-systems',
    { onRequest: room.signIn.requireStaff, schema: { querystring: Query } },
    async (request, reply) => {
      const query = parse(request.query);
      const list = await room.listConnections(request.staff!.organisationId, query);
      return room.pages.render(reply, 'connections/list.njk', {
        list: { ...list, rows: list.rows.map(withWords) },
        pageSize: PAGE_SIZE,
        filter: { text: query.text, status: query.status ?? '' },
        sorted: { key: query.sort, direction: query.direction },
        statusItems: [
          { value: '', text: 'All' },
          ...STATUSES.map((status) => ({ value: status, text: capitalised(status) })),
        ],
        mayChange: isAdministrator(request),
      });
    },
  );
}

/** An address with a value we do not know shows the list as if it were not there. */
function parse(query: Static<typeof Query>): ListQuery {
  const known = SORT_KEYS.includes(query.sort as SortKey);
  const page = Number(query.page);
  return {
    status: STATUSES.includes(query.status as Status) ? (query.status as Status) : null,
    text: query.search,
    sort: known ? (query.sort as SortKey) : 'system',
    direction: query.direction === 'descending' ? 'descending' : 'ascending',
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
  };
}

function withWords<Row extends { scopes: string[] }>(row: Row) {
  const titles = permissionsInWords(row.scopes).map(({ title }) => title);
  return {
    ...row,
    permissions: titles.slice(0, PERMISSIONS_SHOWN),
    morePermissions: Math.max(0, titles.length - PERMISSIONS_SHOWN),
  };
}

const capitalised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
