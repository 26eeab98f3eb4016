import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { PageError } from '../web/index.ts';
import { actingOf, MANAGE } from './acting-of.ts';
import type { Room } from './routes.ts';
import { latestConnection } from './store.ts';

const Query = Type.Object({ search: Type.Optional(Type.String()) });

const SEARCH_LENGTH_MAX = 200;

/** /connected-systems/add: the search for a third-party system. */
export function addRoutes(app: FastifyInstance, room: Room): void {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/connected-systems/add',
    { onRequest: room.signIn.requireRole(['administrator'], MANAGE), schema: { querystring: Query } },
    async (request, reply) => {
      const { search } = request.query;
      const show = (data: object) =>
        room.pages.render(reply, 'connections/add.njk', { search, searched: search !== undefined, ...data });
      if (search === undefined) return show({});
      const problem = problemWith(search);
      if (problem) {
        reply.code(422);
        return show({ errors: [{ field: 'search', text: problem }] });
      }

      const found = await room.findSystems(actingOf(request), search);
      if (found.outcome === 'wait') throw searchedTooOften(found.seconds);
      const { organisationId } = request.staff!;
      const systems = await Promise.all(
        found.systems.map(async (system) => {
          const latest = await latestConnection(
            room.context.database.service,
            organisationId,
            system.clientId,
          );
          return {
            ...system,
            latest,
            standing: latest?.status === 'active' || latest?.status === 'suspended',
          };
        }),
      );
      return show({ systems });
    },
  );
}

function problemWith(search: string): string | undefined {
  if (search.trim() === '') return 'Enter a third-party system name, company name or client ID';
  if (search.length > SEARCH_LENGTH_MAX)
    return `The name or client ID must be ${SEARCH_LENGTH_MAX} characters or fewer`;
  if (search.includes('\0')) return 'The name or client ID has a character that no name has';
  return undefined;
}

export function searchedTooOften(seconds: number): PageError {
  const minutes = Math.ceil(seconds / 60);
  return new PageError({
    status: 429,
    code: 'too-many-attempts',
    title: 'Too many searches',
    message:
      'You or your organisation searched for many third-party systems in a short time, so we did not look for this one.',
    whatToDo: `Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}. Ask the company for its System Client ID, so that you find it at once.`,
    retryAfterSeconds: seconds,
  });
}
