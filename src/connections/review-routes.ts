import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { organisationOf } from '../directory/organisations.ts';
import { teamsOf } from '../directory/teams.ts';
import { PageError } from '../web/index.ts';
import { actingOf, MANAGE, roleEnded } from './acting-of.ts';
import { searchedTooOften } from './add-routes.ts';
import { dayInLondon, type FieldError, GrantForm, parseGrantForm } from './grant-form.ts';
import { fhirBaseOf, historyData, lastDayOf, reachData, systemData } from './pages-data.ts';
import { permissionChoices } from './permissions-in-words.ts';
import { labelNames, PRIVACY_LABELS } from './privacy-labels.ts';
import { type ReviewedSystem, reviewDigest } from './reviewed-system.ts';
import type { Room } from './routes.ts';
import { connectionOf, historyOf, latestConnection, type ViewedConnection } from './store.ts';
import { type ConnectionRoute, connectionParameter, connectionWanted, idWanted } from './view-routes.ts';

const Client = Type.Object({ clientId: Type.String({ maxLength: 200 }) });
type ClientRoute = { Params: Static<typeof Client> };
type Form = Static<typeof GrantForm>;

/** /connected-systems/add/{client ID}: everything about a system, and the button that gives it access. */
export function reviewRoutes(app: FastifyInstance, room: Room): void {
  const { context, pages } = room;
  const database = context.database.service;
  const onRequest = room.signIn.requireRole(['administrator'], MANAGE);

  async function wantedSystem(request: FastifyRequest<ClientRoute>): Promise<ReviewedSystem> {
    const { clientId } = request.params;
    const found = await room.openSystem(actingOf(request), clientId);
    if (found.outcome === 'wait') throw searchedTooOften(found.seconds);
    if (!found.systems[0]) throw systemUnknown();
    return found.systems[0];
  }

  async function showReview(
    request: FastifyRequest,
    reply: FastifyReply,
    system: ReviewedSystem,
    shown: { form?: Form; errors?: FieldError[]; changed?: boolean } = {},
  ) {
    const acting = actingOf(request);
    const [latest, history, reach, teams] = await Promise.all([
      latestConnection(database, acting.organisationId, system.clientId),
      historyOf(database, acting.organisationId, system.clientId),
      room.reach(acting),
      teamsOf(database, acting.organisationId),
    ]);
    if (!reach) throw roleEnded();
    const ticked = (name: 'scopes' | 'labels', value: string) => shown.form?.[name].includes(value) ?? true;
    return pages.render(reply, 'connections/review.njk', {
      system: systemData(system),
      reviewed: reviewDigest(system),
      changed: shown.changed,
      errors: shown.errors,
      latest,
      standing: latest?.status === 'active' || latest?.status === 'suspended',
      history: historyData(history),
      reach: reachData(reach, system.scopes),
      choices: permissionChoices(system.scopes).map((choice) => ({
        ...choice,
        checked: ticked('scopes', choice.scope),
      })),
      labelItems: PRIVACY_LABELS.map(({ code, name }) => ({
        value: code,
        text: name,
        checked: ticked('labels', code),
      })),
      teamItems: teams.map(({ id, name }) => ({
        value: id,
        text: name,
        checked: shown.form?.teams.includes(id) ?? false,
      })),
      form: { ...shown.form, open: Boolean(shown.errors?.length) },
      exampleYear: context.now().getUTCFullYear() + 1,
    });
  }

  app.get<ClientRoute>(
    '/connected-systems/add/:clientId',
    { onRequest, schema: { params: Client } },
    async (request, reply) => showReview(request, reply, await wantedSystem(request)),
  );

  app.post<ClientRoute & { Body: Form }>(
    '/connected-systems/add/:clientId',
    { onRequest, schema: { params: Client, body: GrantForm } },
    async (request, reply) => {
      const system = await wantedSystem(request);
      const { body: form } = request;
      const { grant, errors } = parseGrantForm(form, dayInLondon(context.now()));
      const again = (status: number, shown: { errors?: FieldError[]; changed?: boolean }) => {
        reply.code(status);
        return showReview(request, reply, system, { form, ...shown });
      };
      if (errors.length > 0) return again(422, { errors });

      const granted = await room.grantAccess(actingOf(request), {
        clientId: system.clientId,
        reviewed: form.reviewed,
        ...grant,
      });
      switch (granted.outcome) {
        case 'granted':
          return reply.redirect(`/connected-systems/${granted.connectionId}/granted`, 303);
        case 'already-connected':
          reply.code(409);
          return pages.render(reply, 'connections/already.njk', alreadyConnected(granted.connection));
        case 'registration-changed':
          // What was left unticked may not be there any more: the form begins anew.
          reply.code(409);
          return showReview(request, reply, await wantedSystem(request), { changed: true });
        case 'nothing-granted':
          return again(422, { errors: [{ field: 'scopes', text: 'Choose at least one permission' }] });
        case 'last-day-past':
          return again(422, {
            errors: [{ field: 'day', text: 'The last day of access must be today or in the future' }],
          });
        case 'system-not-found':
          throw systemUnknown();
        case 'role-needed':
          throw roleEnded();
      }
    },
  );

  app.get<ConnectionRoute>(
    '/connected-systems/:connectionId/granted',
    { onRequest, schema: { params: connectionParameter } },
    async (request, reply) => {
      const { organisationId } = request.staff!;
      const connectionId = idWanted(request.params.connectionId);
      const connection = connectionWanted(await connectionOf(database, organisationId, connectionId));
      return pages.render(reply, 'connections/granted.njk', {
        connection: systemData(connection),
        labelNames: labelNames(connection.labels),
        lastDay: lastDayOf(connection.expiresAt),
        organisation: await organisationOf(database, organisationId),
        fhirBase: fhirBaseOf(context, organisationId),
        fhirBaseWithHeader: `${context.baseUrl()}/fhir/R4`,
      });
    },
  );
}

const alreadyConnected = (connection: ViewedConnection) => ({
  heading: `${connection.name} already has access`,
  what:
    connection.status === 'suspended'
      ? 'It is connected, and suspended at the moment. Access was granted'
      : 'Access was granted',
  by: connection.grantedBy,
  at: connection.grantedAt,
  nothing: 'It was not granted a second time: nothing was changed by this request.',
  connectionId: connection.id,
});

/** A client ID that nobody has and one of a system that is not live are told apart by nothing. */
const systemUnknown = () =>
  new PageError({
    status: 404,
    code: 'system-not-found',
    title: 'No third-party system found',
    message: 'No system that can be connected has this client ID. Nothing was granted.',
    whatToDo: 'Ask the company for its System Client ID, then search for it under Add connection.',
  });
