import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { createCheckPassword } from './check-password.ts';
import { safeNextPath } from './next-path.ts';
import type { WaysIn } from './provider/ways-in.ts';
import { stepPage } from './require-staff.ts';
import type { Room } from './room.ts';
import { tooManyAttempts } from './too-many-attempts.ts';

const Query = Type.Object({ next: Type.Optional(Type.String()), again: Type.Optional(Type.Literal('yes')) });
const Form = Type.Object({
  email: Type.String({ default: '', maxLength: 320 }),
  password: Type.String({ default: '', maxLength: 1000 }),
  next: Type.Optional(Type.String({ maxLength: 2000 })),
});

/** /sign-in and /sign-out. */
export function passwordRoutes(app: FastifyInstance, room: Room, waysIn?: WaysIn): void {
  const { pages, sessions, record } = room;
  const checkPassword = createCheckPassword(room);
  const WRONG = 'The email address or the password is not right';
  // Said to who knew it, and to nobody else.
  const EXPIRED = 'This one-time password is too old. Ask for another where you got it';

  app.get<{ Querystring: Static<typeof Query> }>(
    '/sign-in',
    { schema: { querystring: Query } },
    async (request, reply) => {
      const next = safeNextPath(request.query.next);
      const session = request.staffSession;
      // A session that a launch opened is no sign-in: the person may want the powers they have beyond it.
      const again = request.query.again === 'yes' && session !== null;
      if (session && !session.openedBy && !again) return reply.redirect(stepPage(session, next), 303);
      const ways = await waysIn?.ofBrowser(request, next, again);
      const email = again ? session.account.email : '';
      return pages.render(reply, 'sign-in/sign-in.njk', { next, email, ways, again });
    },
  );

  app.post<{ Body: Static<typeof Form> }>('/sign-in', { schema: { body: Form } }, async (request, reply) => {
    const { email, password } = request.body;
    const next = safeNextPath(request.body.next);
    const show = async (errors: { field: string; text: string }[]) =>
      pages.render(reply.code(422), 'sign-in/sign-in.njk', {
        next,
        email,
        errors,
        ways: await waysIn?.ofBrowser(request, next),
      });

    const missing = [];
    if (!email.trim()) missing.push({ field: 'email', text: 'Enter your email address' });
    if (!password) missing.push({ field: 'password', text: 'Enter your password' });
    if (missing.length > 0) return show(missing);

    const outcome = await checkPassword(email, password, request.ip);
    if (outcome.result === 'wait') {
      await record(request, {
        action: 'sign-in',
        outcome: 'failure',
        details: { reason: 'too-many-attempts' },
      });
      throw tooManyAttempts(outcome.seconds);
    }
    const wrong = async (reason: string, accountId?: string) => {
      await record(request, { action: 'sign-in', outcome: 'failure', accountId, details: { reason } });
      return show([{ field: 'email', text: reason === 'password-expired' ? EXPIRED : WRONG }]);
    };
    if (outcome.result === 'wrong') return wrong(outcome.reason, outcome.accountId);
    await record(request, { action: 'sign-in', outcome: 'success', accountId: outcome.account.id });
    const session = await sessions.begin(request, reply, outcome.account, request.staffSession);
    // Changed while it was being looked at: then it was the wrong one, which is recorded as well.
    if (!session) return wrong('wrong-password', outcome.account.id);
    return reply.redirect(stepPage(session, next), 303);
  });

  app.post('/sign-out', async (request, reply) => {
    const session = request.staffSession;
    if (session) {
      await sessions.end(reply, session);
      await record(request, { action: 'sign-out', outcome: 'success', accountId: session.account.id });
    }
    // Whoever sits down next would be signed in as them by a click.
    const there = session?.identityId
      ? '. You may still be signed in to your organisation: sign out there too'
      : '';
    room.flash(reply, { kind: 'success', text: `You have signed out${there}` });
    return reply.redirect('/sign-in', 303);
  });
}
