import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { type CodeOutcome, createCheckCode, createEnrolCode } from './check-code.ts';
import { safeNextPath } from './next-path.ts';
import { signInAgain, stepPage } from './require-staff.ts';
import type { Room } from './room.ts';
import { nextStep, type Step } from './sessions.ts';
import type { StoredSession } from './store.ts';
import { tooManyAttempts } from './too-many-attempts.ts';
import { enrolment, offeredSecret } from './totp.ts';

const Query = Type.Object({ next: Type.Optional(Type.String()) });
const Form = Type.Object({
  code: Type.String({ default: '', maxLength: 20 }),
  next: Type.Optional(Type.String({ maxLength: 2000 })),
});
type GetRoute = { Querystring: Static<typeof Query> };
type PostRoute = { Body: Static<typeof Form> };

const WORDS = {
  'wrong-code': 'The code is not right. Check it is the newest one your app shows',
  'used-code': 'This code has been used. Wait for the next one',
  'enrolled-already': 'A second step was set up for this account meanwhile. Sign in again',
};

/** Whoever signed in with a password alone may set up more, though their role does not ask for it. */
const mayEnrol = (session: StoredSession): boolean =>
  nextStep(session) === 'done' && !session.openedBy && !session.identityId && !session.account.totpSecret;

/** /sign-in/code and /sign-in/set-up-code: the second factor. */
export function codeRoutes(app: FastifyInstance, room: Room): void {
  const { pages, sessions, record } = room;
  const checkCode = createCheckCode(room);
  const enrolCode = createEnrolCode(room);

  app.get<GetRoute>('/sign-in/code', { schema: { querystring: Query } }, (request, reply) => {
    const next = safeNextPath(request.query.next);
    const session = at('code', request, reply, next);
    return session ? pages.render(reply, 'sign-in/code.njk', { next }) : reply;
  });

  app.post<PostRoute>('/sign-in/code', { schema: { body: Form } }, async (request, reply) => {
    const next = safeNextPath(request.body.next);
    const session = at('code', request, reply, next);
    if (!session) return reply;
    const outcome = await checkCode(session.account, request.body.code);
    const problem = await judge(request, session, 'sign-in-code', outcome);
    if (problem) return pages.render(reply.code(422), 'sign-in/code.njk', { next, errors: [problem] });
    return proceed(reply, session, next);
  });

  app.get<GetRoute>('/sign-in/set-up-code', { schema: { querystring: Query } }, (request, reply) => {
    const next = safeNextPath(request.query.next);
    const session = at('enrol', request, reply, next);
    return session ? pages.render(reply, 'sign-in/set-up-code.njk', { next, ...offer(session) }) : reply;
  });

  app.post<PostRoute>('/sign-in/set-up-code', { schema: { body: Form } }, async (request, reply) => {
    const next = safeNextPath(request.body.next);
    const session = at('enrol', request, reply, next);
    if (!session) return reply;
    const secret = offeredSecret(room.encryptionKey, session.idHash);
    const outcome = await enrolCode(session.account, secret, request.body.code);
    const problem = await judge(request, session, 'second-factor-set-up', outcome);
    if (problem) {
      const data = { next, ...offer(session), errors: [problem] };
      return pages.render(reply.code(422), 'sign-in/set-up-code.njk', data);
    }
    return proceed(reply, session, next);
  });

  const offer = (session: StoredSession) =>
    enrolment(offeredSecret(room.encryptionKey, session.idHash), 'Connected Systems', session.account.email);

  /** The session when this is the step it is at; otherwise the person is sent to where they should be. */
  function at(step: Step, request: FastifyRequest, reply: FastifyReply, next: string): StoredSession | null {
    const session = request.staffSession;
    if (session && (nextStep(session) === step || (step === 'enrol' && mayEnrol(session)))) {
      // A second step that another person set up on a computer that was left would be theirs from then on.
      if (step !== 'enrol' || sessions.isRecent(session)) return session;
      reply.redirect(signInAgain(next), 303);
      return null;
    }
    reply.redirect(session ? stepPage(session, next) : `/sign-in?next=${encodeURIComponent(next)}`, 303);
    return null;
  }

  async function judge(
    request: FastifyRequest,
    session: StoredSession,
    action: 'sign-in-code' | 'second-factor-set-up',
    outcome: CodeOutcome,
  ) {
    const accountId = session.account.id;
    if (outcome.result === 'right') {
      await record(request, { action, outcome: 'success', accountId });
      return null;
    }
    const reason = outcome.result === 'wait' ? 'too-many-attempts' : outcome.reason;
    await record(request, { action, outcome: 'failure', accountId, details: { reason } });
    if (outcome.result === 'wait') throw tooManyAttempts(outcome.seconds);
    return { field: 'code', text: WORDS[outcome.reason] };
  }

  async function proceed(reply: FastifyReply, session: StoredSession, next: string) {
    const renewed = await sessions.become(reply, session, { secondFactorAt: room.now() });
    return reply.redirect(renewed ? stepPage(renewed, next) : '/sign-in', 303);
  }
}
