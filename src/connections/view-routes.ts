import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { isUuid } from '../ids.ts';
import { notFound } from '../web/index.ts';
import { actingOf, isAdministrator } from './acting-of.ts';
import { callData, fhirBaseOf, historyData, lastDayOf, reachData, systemData } from './pages-data.ts';
import { notGranted } from './permissions-in-words.ts';
import { labelNames } from './privacy-labels.ts';
import { pushData } from './push/push-in-words.ts';
import type { Room } from './routes.ts';
import { latestConnection } from './store.ts';

export const connectionParameter = Type.Object({ connectionId: Type.String() });
export type ConnectionRoute = { Params: Static<typeof connectionParameter> };

const Query = Type.Object({ before: Type.Optional(Type.String({ maxLength: 100 })) });

/** /connected-systems/{id}: one connection with its history and its calls, newest first, so many to a page. */
export function viewRoutes(app: FastifyInstance, room: Room): void {
  const { context, pages } = room;

  app.get<ConnectionRoute & { Querystring: Static<typeof Query> }>(
    '/connected-systems/:connectionId',
    { onRequest: room.signIn.requireStaff, schema: { params: connectionParameter, querystring: Query } },
    async (request, reply) => {
      const acting = actingOf(request);
      const { organisationId } = acting;
      const { before } = request.query;
      const viewed = await room.viewConnection(organisationId, idWanted(request.params.connectionId), before);
      const { connection, history, summary, calls, older } = connectionWanted(viewed);
      const [reach, pushes, latest] = await Promise.all([
        room.reach(acting, connection),
        room.readPush(acting, connection.id),
        latestConnection(context.database.service, organisationId, connection.clientId),
      ]);
      return pages.render(reply, 'connections/view.njk', {
        connection: systemData(connection),
        lessThanAsked: notGranted(connection.registeredScopes, connection.scopes),
        labelNames: labelNames(connection.labels),
        lastDay: lastDayOf(connection.expiresAt),
        newer: latest && latest.id !== connection.id ? latest.id : null,
        reach: reachData(reach, connection.scopes),
        history: historyData(history),
        pushes: pushes.map((push) => pushData(push, connection)),
        summary,
        calls: calls.map(callData),
        older,
        before,
        fhirBase: fhirBaseOf(context, organisationId),
        mayChange: isAdministrator(request),
      });
    },
  );
}

/** An id that is none, another organisation's and one that does not exist are the same page. */
export function idWanted(id: string): string {
  if (!isUuid(id)) throw notFound();
  return id;
}

export function connectionWanted<Connection>(connection: Connection | null): Connection {
  if (!connection) throw notFound();
  return connection;
}
