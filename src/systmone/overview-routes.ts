import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { isUuid } from '../ids.ts';
import { notFound } from '../web/index.ts';
import { actingOf } from './acting.ts';
import { profileName } from './configuration.ts';
import { configurationsOf } from './configuration-store.ts';
import { refusedLaunches } from './launch-store.ts';
import { endPairing, LISTED_MAX, listPairings } from './pairing-store.ts';
import type { Room } from './room.ts';
import { HOME, SET_UP } from './set-up-routes.ts';

const Search = Type.Object({ person: Type.String({ default: '', maxLength: 100 }) });

/** /connected-systems/systmone: the links, who is connected, and what was refused. */
export function overviewRoutes(app: FastifyInstance, room: Room): void {
  const { context, pages, signIn } = room;
  const database = context.database.service;

  app.get<{ Querystring: Static<typeof Search> }>(
    HOME,
    {
      onRequest: signIn.requireRole(['administrator', 'coordinator'], SET_UP),
      schema: { querystring: Search },
    },
    async (request, reply) => {
      const person = request.query.person.trim();
      const { organisationId } = actingOf(request);
      const [configurations, pairings, refused] = await Promise.all([
        configurationsOf(database, organisationId),
        listPairings(database, organisationId, { like: person }),
        refusedLaunches(database, organisationId),
      ]);
      return pages.render(reply, 'systmone/overview.njk', {
        live: configurations.filter(({ withdrawnAt }) => !withdrawnAt).map(named),
        withdrawn: configurations.filter(({ withdrawnAt }) => withdrawnAt).map(named),
        pairings,
        person,
        listedMax: LISTED_MAX,
        refused: refused.map((event) => ({ ...event, words: OUTCOMES[event.outcome] ?? event.outcome })),
        mayEnd: request.staff!.role === 'administrator',
      });
    },
  );

  const administrators = signIn.requireRole(['administrator'], 'end somebody’s connection with SystmOne');

  app.get<{ Params: { id: string } }>(
    `${HOME}/people/:id/end`,
    { onRequest: administrators },
    async (request, reply) => {
      const { id } = request.params;
      if (!isUuid(id)) throw notFound();
      const [pairing] = await listPairings(database, actingOf(request).organisationId, { id });
      if (!pairing || pairing.endedAt) throw notFound();
      return pages.render(reply, 'systmone/end-connection.njk', { pairing });
    },
  );

  app.post<{ Params: { id: string } }>(
    `${HOME}/people/:id/end`,
    { onRequest: administrators },
    async (request, reply) => {
      const { id } = request.params;
      if (!isUuid(id)) throw notFound();
      const acting = actingOf(request);
      const ended = await endPairing(database, {
        id,
        organisationId: acting.organisationId,
        accountId: null,
        by: acting.accountId,
        reason: 'ended-by-administrator',
        now: context.now(),
      });
      await context.audit.record({
        kind: 'page',
        interaction: 'launch-pairing-end',
        outcome: ended ? 'allowed' : 'not-found',
        status: 303,
        ...acting,
        detail: ended && JSON.stringify({ pairing: id, of: ended.accountId }),
      });
      room.flash(reply, {
        kind: 'success',
        text: ended ? 'The connection is ended' : 'It had ended already',
      });
      return reply.redirect(HOME, 303);
    },
  );
}

const named = <C extends Parameters<typeof profileName>[0]>(configuration: C) => ({
  ...configuration,
  profileName: profileName(configuration),
});

const OUTCOMES: Record<string, string> = {
  'not-paired': 'Asked to show who they are (a first use, or a new browser)',
  'link-reused': 'A link was used on a second device: possibly copied',
  'device-cookie-reused': 'A browser’s connection was used twice: possibly stolen. It was ended',
  'launch-unreadable': 'The link could not be read',
  'launch-expired': 'The link was outside its time',
  'launch-wrong-practice': 'The link came from a practice that is not listed',
  'launch-withdrawn': 'The link is withdrawn',
  'too-many-attempts': 'Too many attempts',
  'patient-not-found': 'No such patient of your organisation',
  'birth-date-mismatch': 'The date of birth did not agree',
  'patient-merged': 'The record was joined with another one',
  'no-role': 'The person has no role here any more',
  'paired-with-another': 'The user name is connected to another account',
};
