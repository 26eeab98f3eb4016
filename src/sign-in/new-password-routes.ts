import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { createChoosePassword } from './choose-password.ts';
import { safeNextPath } from './next-path.ts';
import { signInAgain, stepPage } from './require-staff.ts';
import type { Room } from './room.ts';
import { nextStep } from './sessions.ts';
import type { StoredSession } from './store.ts';

const PAGE = '/sign-in/new-password';
const Query = Type.Object({ next: Type.Optional(Type.String()) });
const Form = Type.Object({
  password: Type.String({ default: '', maxLength: 1000 }),
  again: Type.String({ default: '', maxLength: 1000 }),
  next: Type.Optional(Type.String({ maxLength: 2000 })),
});

/** /sign-in/new-password: whoever signed in with a one-time password chooses their own before anything else. */
export function newPasswordRoutes(app: FastifyInstance, room: Room): void {
  const { pages, sessions, store, record, flash, now } = room;
  const choosePassword = createChoosePassword(room);

  app.get<{ Querystring: Static<typeof Query> }>(
    PAGE,
    { schema: { querystring: Query } },
    (request, reply) => {
      const next = safeNextPath(request.query.next);
      const session = atThisStep(request, reply, next);
      return session ? pages.render(reply, 'sign-in/new-password.njk', { next }) : reply;
    },
  );

  app.post<{ Body: Static<typeof Form> }>(PAGE, { schema: { body: Form } }, async (request, reply) => {
    const next = safeNextPath(request.body.next);
    const session = atThisStep(request, reply, next);
    if (!session) return reply;
    const { account, idHash } = session;
    const told = { action: 'choose-password', accountId: account.id } as const;
    const outcome = await choosePassword(account, request.body);
    if (outcome.result === 'refused') {
      await record(request, { ...told, outcome: 'failure' });
      return pages.render(reply.code(422), 'sign-in/new-password.njk', { next, errors: [outcome] });
    }
    if (outcome.result === 'gone') {
      await sessions.end(reply, session);
      await record(request, {
        ...told,
        outcome: 'failure',
        status: 303,
        details: { reason: 'password-expired' },
      });
      flash(reply, {
        kind: 'information',
        text: 'The one-time password is too old, or there is a newer one. Nothing was changed.',
      });
      return reply.redirect('/sign-in', 303);
    }
    // Whoever else came by the one-time password may be signed in with it.
    await store.endOtherSessions(idHash, account.id, now());
    const renewed = await sessions.become(reply, session, {});
    await record(request, { ...told, outcome: 'success' });
    if (!renewed) return reply.redirect('/sign-in', 303);
    const state = { ...renewed, account: { ...account, passwordExpiresAt: null } };
    return reply.redirect(stepPage(state, next), 303);
  });

  /** The session when this is the step it is at; otherwise the person is sent to where they should be. */
  function atThisStep(request: FastifyRequest, reply: FastifyReply, next: string): StoredSession | null {
    const session = request.staffSession;
    const here = session !== null && nextStep(session) === 'new-password';
    // A page that was left open must not give the account to whoever finds it.
    if (here && sessions.isRecent(session)) return session;
    const elsewhere = session ? stepPage(session, next) : `/sign-in?next=${encodeURIComponent(next)}`;
    reply.redirect(here ? signInAgain(next) : elsewhere, 303);
    return null;
  }
}
