import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { isUuid } from '../ids.ts';
import { notFound } from '../web/index.ts';
import { actingOf } from './acting.ts';
import { profileName } from './configuration.ts';
import { configurationsOf } from './configuration-store.ts';
import { outcomeWords } from './outcome-words.ts';
import { endPairing, LISTED_MAX, listPairings } from './pairing-store.ts';
import { reportsOf } from './reports-store.ts';
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
      const [configurations, pairings, reported] = await Promise.all([
        configurationsOf(database, organisationId),
        listPairings(database, organisationId, { like: person }),
        reportsOf(database, organisationId),
      ]);
      return pages.render(reply, 'systmone/overview.njk', {
        live: configurations.filter(({ withdrawnAt }) => !withdrawnAt).map(named),
        withdrawn: configurations.filter(({ withdrawnAt }) => withdrawnAt).map(named),
        pairings,
        person,
        listedMax: LISTED_MAX,
        reported: reported.map((event) => ({ ...event, words: outcomeWords(event.outcome) })),
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
