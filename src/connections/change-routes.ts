import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { notFound } from '../web/index.ts';
import { actingOf, MANAGE, roleEnded } from './acting-of.ts';
import { ACTS, type ActName } from './acts.ts';
import type { Unchanged } from './change-standing.ts';
import { type FieldError, parseReason } from './grant-form.ts';
import { systemData } from './pages-data.ts';
import type { Room } from './routes.ts';
import { type ConnectionRoute, connectionParameter, connectionWanted, idWanted } from './view-routes.ts';

const Form = Type.Object({ reason: Type.String({ default: '', maxLength: 10_000 }) });
type FormRoute = ConnectionRoute & { Body: Static<typeof Form> };

/** Revoke, suspend and resume: a page that says what will happen, the act, and its confirmation. */
export function changeRoutes(app: FastifyInstance, room: Room): void {
  changeRoute(app, room, 'revoke', room.revokeAccess);
  changeRoute(app, room, 'suspend', room.suspendAccess);
  changeRoute(app, room, 'resume', room.resumeAccess);
}

function changeRoute(app: FastifyInstance, room: Room, name: ActName, change: Room['revokeAccess']): void {
  const act = { name, ...ACTS[name] };
  const { pages } = room;
  const onRequest = room.signIn.requireRole(['administrator'], MANAGE);
  const view = async (organisationId: string, id: string) =>
    connectionWanted(await room.viewConnection(organisationId, idWanted(id)));

  async function ask(
    organisationId: string,
    id: string,
    shown: { form?: object; errors?: FieldError[] } = {},
  ) {
    const { connection, summary, history } = await view(organisationId, id);
    if (!act.from.includes(connection.status)) {
      const last = history.find((entry) => entry.connectionId === connection.id) ?? null;
      return { page: 'connections/already.njk', data: act.unchanged({ ...connection, last }) };
    }
    return {
      page: 'connections/change.njk',
      data: { act, connection: systemData(connection), summary, form: {}, ...shown },
    };
  }

  app.get<ConnectionRoute>(
    `/connected-systems/:connectionId/${name}`,
    { onRequest, schema: { params: connectionParameter } },
    async (request, reply) => {
      const { page, data } = await ask(request.staff!.organisationId, request.params.connectionId);
      return pages.render(reply, page, data);
    },
  );

  app.post<FormRoute>(
    `/connected-systems/:connectionId/${name}`,
    { onRequest, schema: { params: connectionParameter, body: Form } },
    async (request, reply) => {
      const acting = actingOf(request);
      const connectionId = idWanted(request.params.connectionId);
      const { reason, errors } = parseReason(request.body.reason);
      if (errors.length > 0) {
        const { page, data } = await ask(acting.organisationId, connectionId, { form: request.body, errors });
        return pages.render(reply.code(422), page, data);
      }
      const result = await change(acting, { connectionId, reason });
      if (result.outcome === 'not-found') throw notFound();
      if (result.outcome === 'role-needed') throw roleEnded();
      if (result.outcome === 'unchanged') {
        return pages.render(reply.code(409), 'connections/already.njk', act.unchanged(asShown(result)));
      }
      return reply.redirect(`/connected-systems/${connectionId}/${act.confirmation}`, 303);
    },
  );

  app.get<ConnectionRoute>(
    `/connected-systems/:connectionId/${act.confirmation}`,
    { onRequest, schema: { params: connectionParameter } },
    async (request, reply) => {
      const { connectionId } = request.params;
      const { connection, history, summary } = await view(request.staff!.organisationId, connectionId);
      const done = history.find((entry) => entry.connectionId === connection.id && entry.kind === act.kind);
      // The confirmation of what was never done, or has been undone since, is no page to print.
      if (!done || connection.status !== act.to) {
        return reply.redirect(`/connected-systems/${connectionId}`, 303);
      }
      return pages.render(reply, 'connections/changed.njk', {
        act,
        connection: systemData(connection),
        summary,
        by: done.by,
        at: name === 'revoke' ? connection.endedAt : done.at,
        reason: done.detail,
      });
    },
  );
}

const asShown = (result: Unchanged) => ({ ...result, id: result.connectionId });
