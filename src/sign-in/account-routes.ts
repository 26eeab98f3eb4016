import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { createChangePassword } from './change-password.ts';
import { ROLE_NAMES, staffOf } from './require-staff.ts';
import type { Room } from './room.ts';
import { IDLE_SECONDS } from './sessions.ts';
import { tooManyAttempts } from './too-many-attempts.ts';

const PasswordForm = Type.Object({
  current: Type.String({ default: '', maxLength: 1000 }),
  password: Type.String({ default: '', maxLength: 1000 }),
  again: Type.String({ default: '', maxLength: 1000 }),
});
const EndForm = Type.Object({ session: Type.String({ pattern: '^([0-9a-f]{64}|others)$' }) });

/** /account: who I am here, my password, where I am signed in. */
export function accountRoutes(app: FastifyInstance, room: Room, organisationSignIn: boolean): void {
  const { pages, sessions, store, record, now, flash } = room;
  const changePassword = createChangePassword(room);
  const onRequest = room.requireStaff;

  app.get('/account', { onRequest }, async (request, reply) => {
    const staff = staffOf(request);
    const session = request.staffSession!;
    const open = await store.sessionsOf(staff.accountId, now(), IDLE_SECONDS);
    return pages.render(reply, 'sign-in/account.njk', {
      staff,
      roles: staff.roles.map((role) => ({ ...role, roleName: ROLE_NAMES[role.role] })),
      hasSecondFactor: session.account.totpSecret !== null,
      maySetUpCode: !session.account.totpSecret && !session.openedBy && !session.identityId,
      byOrganisation: session.identityId !== null,
      organisationSignIn,
      sessions: open.map((session) => {
        const id = session.idHash.toString('hex');
        return { ...session, id, browser: browserName(session.userAgent), current: id === staff.sessionId };
      }),
    });
  });

  app.get('/account/password', { onRequest }, (_request, reply) =>
    pages.render(reply, 'sign-in/change-password.njk'),
  );

  app.post<{ Body: Static<typeof PasswordForm> }>(
    '/account/password',
    { onRequest, schema: { body: PasswordForm } },
    async (request, reply) => {
      const { accountId, organisationId } = staffOf(request);
      const session = request.staffSession!;
      const outcome = await changePassword(session.account, request.body);
      if (outcome.result === 'refused') {
        await record(request, { action: 'change-password', outcome: 'failure', accountId, organisationId });
        return pages.render(reply.code(422), 'sign-in/change-password.njk', { errors: [outcome] });
      }
      if (outcome.result === 'wait') {
        const details = { reason: 'too-many-attempts' };
        await record(request, {
          action: 'change-password',
          outcome: 'failure',
          accountId,
          organisationId,
          details,
        });
        throw tooManyAttempts(outcome.seconds);
      }
      // Whoever learnt the old password may be signed in with it.
      await store.endOtherSessions(session.idHash, accountId, now());
      await sessions.become(reply, session, {});
      await record(request, { action: 'change-password', outcome: 'success', accountId, organisationId });
      flash(reply, {
        kind: 'success',
        text: 'Your password is changed. You are signed out everywhere else.',
      });
      return reply.redirect('/account', 303);
    },
  );

  app.post<{ Body: Static<typeof EndForm> }>(
    '/account/sessions/end',
    { onRequest, schema: { body: EndForm } },
    async (request, reply) => {
      const { accountId, organisationId, sessionId } = staffOf(request);
      const which = request.body.session;
      const ended =
        which === 'others'
          ? await store.endOtherSessions(Buffer.from(sessionId, 'hex'), accountId, now())
          : Number(await store.endSession(Buffer.from(which, 'hex'), accountId, now()));
      const details = { count: ended };
      await record(request, {
        action: 'end-sessions',
        outcome: 'success',
        accountId,
        organisationId,
        details,
      });
      flash(reply, {
        kind: 'success',
        text: ended > 0 ? 'Signed out there' : 'That session had ended already',
      });
      return reply.redirect('/account', 303);
    },
  );
}

/** Enough for people to recognise their own browser; never used for a decision. */
function browserName(userAgent: string | null): string {
  const known = [
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\//, 'Firefox'],
    [/Chrome\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ] as const;
  const name = known.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1] ?? 'Another browser';
  const system = /Windows|Android|iPhone|iPad|Macintosh|Linux/.exec(userAgent ?? '')?.[0];
  return system ? `${name} on ${system === 'Macintosh' ? 'Mac' : system}` : name;
}
