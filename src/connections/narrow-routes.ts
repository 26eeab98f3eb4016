import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import { usedPermissions } from '../audit/used-permissions.ts';
import { teamsOf } from '../directory/teams.ts';
import { notFound } from '../web/index.ts';
import type { Acting } from './acting.ts';
import { actingOf, MANAGE, roleEnded } from './acting-of.ts';
import { ACTS } from './acts.ts';
import { dayInLondon, type FieldError, GrantForm, parseGrantForm } from './grant-form.ts';
import { type Narrowed, narrowingDigest } from './narrow-access.ts';
import { lastDayOf, systemData } from './pages-data.ts';
import { permissionChoices, withUse } from './permissions-in-words.ts';
import { labelNames, PRIVACY_LABELS } from './privacy-labels.ts';
import type { Room } from './routes.ts';
import type { ViewedConnection } from './store.ts';
import { type ConnectionRoute, connectionParameter, connectionWanted, idWanted } from './view-routes.ts';

type Form = Static<typeof GrantForm>;
type Shown = { form?: Form; errors?: FieldError[]; changed?: boolean; unused?: 'untick' };

const Query = Type.Object({ unused: Type.Optional(Type.Literal('untick')) });

/** /connected-systems/{id}/reduce: leave a system less than it has, without an interruption of the rest. */
export function narrowRoutes(app: FastifyInstance, room: Room): void {
  const { context, pages } = room;
  const onRequest = room.signIn.requireRole(['administrator'], MANAGE);
  const view = async (organisationId: string, id: string) =>
    connectionWanted(await room.viewConnection(organisationId, idWanted(id)));

  async function show(reply: FastifyReply, acting: Acting, connectionId: string, shown: Shown = {}) {
    const { connection, history } = await view(acting.organisationId, connectionId);
    if (connection.status !== 'active' && connection.status !== 'suspended') {
      const last = history.find((entry) => entry.connectionId === connection.id) ?? null;
      return pages.render(reply, 'connections/already.njk', ACTS.revoke.unchanged({ ...connection, last }));
    }
    const database = context.database.service;
    const [teams, forPush, { lastUsed, since }] = await Promise.all([
      teamsOf(database, acting.organisationId),
      room.permissionsForPush(acting, connection.id),
      usedPermissions(database, connection.id),
    ]);
    const choices = withUse(permissionChoices(connection.scopes), lastUsed, forPush).map((choice) => ({
      ...choice,
      checked: shown.form?.scopes.includes(choice.scope) ?? !(shown.unused && choice.unused),
    }));
    return pages.render(reply, 'connections/narrow.njk', {
      connection: systemData(connection),
      reviewed: narrowingDigest(connection),
      changed: shown.changed,
      errors: shown.errors,
      choices,
      unused: choices.filter(({ unused }) => unused).length,
      since: new Date(Math.max(since.getTime(), connection.grantedAt.getTime())),
      ...fieldsOf(connection, teams, shown.form),
    });
  }

  app.get<ConnectionRoute & { Querystring: Static<typeof Query> }>(
    '/connected-systems/:connectionId/reduce',
    { onRequest, schema: { params: connectionParameter, querystring: Query } },
    async (request, reply) =>
      show(reply, actingOf(request), request.params.connectionId, { unused: request.query.unused }),
  );

  app.post<ConnectionRoute & { Body: Form }>(
    '/connected-systems/:connectionId/reduce',
    { onRequest, schema: { params: connectionParameter, body: GrantForm } },
    async (request, reply) => {
      const acting = actingOf(request);
      const connectionId = idWanted(request.params.connectionId);
      const { body: form } = request;
      const again = (status: number, shown: Shown) =>
        show(reply.code(status), acting, connectionId, { form, ...shown });
      const { grant, errors } = parseGrantForm(form, dayInLondon(context.now()));
      if (errors.length > 0) return again(422, { errors });
      const { reviewed } = form;
      const narrowed = await room.narrowAccess(acting, { connectionId, reviewed, ...grant });
      if (narrowed.outcome === 'narrowed') {
        return reply.redirect(`/connected-systems/${connectionId}/reduced`, 303);
      }
      if (narrowed.outcome === 'not-found') throw notFound();
      if (narrowed.outcome === 'role-needed') throw roleEnded();
      if (narrowed.outcome === 'ended') {
        return pages.render(reply.code(409), 'connections/already.njk', ACTS.revoke.unchanged(narrowed));
      }
      // What was left unticked may not be there any more: the form begins anew.
      if (narrowed.outcome === 'connection-changed') {
        return show(reply.code(409), acting, connectionId, { changed: true });
      }
      return again(422, { errors: [ERRORS[narrowed.outcome]] });
    },
  );

  app.get<ConnectionRoute>(
    '/connected-systems/:connectionId/reduced',
    { onRequest, schema: { params: connectionParameter } },
    async (request, reply) => {
      const { connectionId } = request.params;
      const { connection, history } = await view(actingOf(request).organisationId, connectionId);
      const done = history.find((entry) => entry.connectionId === connection.id && entry.kind === 'narrowed');
      if (!done) return reply.redirect(`/connected-systems/${connectionId}`, 303);
      return pages.render(reply, 'connections/narrowed.njk', {
        connection: systemData(connection),
        labelNames: labelNames(connection.labels),
        lastDay: lastDayOf(connection.expiresAt),
        done,
      });
    },
  );
}

/** The form's fields: what the connection gives now, ticked unless the person has unticked it. */
function fieldsOf(connection: ViewedConnection, teams: { id: string; name: string }[], form?: Form) {
  const ticked = (label: string) => form?.labels.includes(label) ?? true;
  const { teams: some } = connection;
  const lastDay = lastDayOf(connection.expiresAt);
  const [year, month, day] = lastDay ? dayInLondon(lastDay).split('-') : [];
  return {
    labelItems: PRIVACY_LABELS.filter((_, n) => (connection.labels >> n) & 1).map(({ code, name }) => ({
      value: code,
      text: name,
      checked: ticked(code),
    })),
    teamItems: teams
      .filter(({ id }) => !some || some.includes(id))
      .map(({ id, name }) => ({
        value: id,
        text: name,
        checked: form ? form.teams.includes(id) : some !== null,
      })),
    someTeams: some !== null,
    lastDay,
    form: form ?? { day, month, year },
  };
}

type Refused = Exclude<
  Narrowed['outcome'],
  'narrowed' | 'not-found' | 'role-needed' | 'ended' | 'connection-changed'
>;

const ERRORS: Record<Refused, FieldError> = {
  'nothing-taken': {
    field: 'scopes',
    text: 'Untick what it should no longer have, choose teams, or bring its last day forward',
  },
  'nothing-left': {
    field: 'scopes',
    text: 'Leave at least one permission, one kind of information and one team; to take everything, revoke access',
  },
  'last-day-past': { field: 'day', text: 'The last day of access must be today or in the future' },
  'last-day-later': {
    field: 'day',
    text: 'The last day of access can only be brought forward here; to give more time, revoke access and grant it again',
  },
};
