import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { isUuid } from '../ids.ts';
import { signInAgain } from '../sign-in/index.ts';
import { PageError } from '../web/index.ts';
import { actingOf } from './acting.ts';
import { outcomeWords } from './outcome-words.ts';
import { endPairing, listPairings } from './pairing-store.ts';
import { reportsToPerson } from './reports-store.ts';
import type { Room } from './room.ts';

const PAGE = '/account/systmone';
const EndForm = Type.Object({ pairing: Type.String({ default: '', maxLength: 100 }) });

/** /account/systmone: a person's own connections, and the codes that make one. */
export function accountRoutes(app: FastifyInstance, room: Room): void {
  const { context, pages } = room;
  const database = context.database.service;
  const onRequest = room.signIn.requireStaff;

  app.get(PAGE, { onRequest }, async (request, reply) => {
    const acting = actingOf(request);
    const [pairings, codesUntil, reported] = await Promise.all([
      listPairings(database, acting.organisationId, { accountId: acting.accountId }),
      room.standingCodes(acting),
      reportsToPerson(database, acting),
    ]);
    return pages.render(reply, 'systmone/account.njk', {
      pairings,
      codesUntil,
      reported: reported.map((event) => ({ ...event, words: outcomeWords(event.outcome) })),
      signedIn: request.staff!.signedIn,
      secondFactor: request.staff!.secondFactor,
      recent: request.staff!.recent,
      signInAgain: signInAgain(PAGE),
    });
  });

  app.post(`${PAGE}/codes`, { onRequest }, async (request, reply) => {
    const acting = actingOf(request);
    // Whoever came by a launch has shown a device and no more: it must not connect another one.
    if (!request.staff!.signedIn) throw signInFirst();
    // The codes stand for both factors where they are typed.
    if (!request.staff!.secondFactor) throw secondFactorFirst();
    if (!request.staff!.recent) return reply.redirect(signInAgain(PAGE), 303);
    const codes = await room.makeCodes({ ...acting, sessionId: request.staff!.sessionId });
    if (!codes) return reply.redirect(signInAgain(PAGE), 303);
    await context.audit.record({
      kind: 'page',
      interaction: 'launch-codes',
      outcome: 'allowed',
      status: 200,
      ...acting,
    });
    return pages.render(reply, 'systmone/codes.njk', codes);
  });

  app.post<{ Body: Static<typeof EndForm> }>(
    `${PAGE}/end`,
    { onRequest, schema: { body: EndForm } },
    async (request, reply) => {
      const acting = actingOf(request);
      const id = request.body.pairing;
      const ended = isUuid(id)
        ? await endPairing(database, {
            id,
            organisationId: acting.organisationId,
            accountId: acting.accountId,
            by: acting.accountId,
            reason: 'ended-by-person',
            now: context.now(),
          })
        : null;
      await context.audit.record({
        kind: 'page',
        interaction: 'launch-pairing-end',
        outcome: ended ? 'allowed' : 'not-found',
        status: 303,
        ...acting,
        detail: ended && JSON.stringify({ pairing: id }),
      });
      room.flash(reply, {
        kind: 'success',
        text: ended ? 'The connection is ended' : 'It had ended already',
      });
      return reply.redirect(PAGE, 303);
    },
  );
}

const signInFirst = () =>
  new PageError({
    status: 403,
    code: 'sign-in-needed',
    title: 'Sign in to make codes',
    message:
      'You came here from your clinical system. To make codes, sign in with your email address and password.',
    whatToDo: 'Sign out, then sign in.',
  });

const secondFactorFirst = () =>
  new PageError({
    status: 403,
    code: 'second-factor-needed',
    title: 'Set up sign-in codes first',
    message:
      'You signed in with your password alone, and whoever has a pair of codes can open records in your name.',
    whatToDo: 'Set up sign-in codes under “My account”, then make the codes.',
  });
