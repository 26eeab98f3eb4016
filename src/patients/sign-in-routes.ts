import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { safeNextPath, tooManyAttempts } from '../sign-in/index.ts';
import { createCheckPassword } from './check-password.ts';
import { readName } from './read-name.ts';
import type { Room } from './room.ts';

const Query = Type.Object({ next: Type.Optional(Type.String()) });
const Form = Type.Object({
  email: Type.String({ default: '', maxLength: 320 }),
  password: Type.String({ default: '', maxLength: 1000 }),
  next: Type.Optional(Type.String({ maxLength: 2000 })),
});

/** /my/sign-in and /my/sign-out. */
export function signInRoutes(app: FastifyInstance, room: Room): void {
  const { pages, sessions, record, store, context } = room;
  const checkPassword = createCheckPassword({ ...room, now: context.now });

  app.get<{ Querystring: Static<typeof Query> }>(
    '/my/sign-in',
    { schema: { querystring: Query } },
    (request, reply) => {
      const next = nextOf(request.query.next);
      if (request.patientSession) return reply.redirect(next, 303);
      return pages.render(reply, 'patients/sign-in.njk', { next, email: '' });
    },
  );

  app.post<{ Body: Static<typeof Form> }>(
    '/my/sign-in',
    { schema: { body: Form } },
    async (request, reply) => {
      const { email, password } = request.body;
      const next = nextOf(request.body.next);
      const show = (errors: { field: string; text: string }[]) =>
        pages.render(reply.code(422), 'patients/sign-in.njk', { next, email, errors });

      const missing = [];
      if (!email.trim()) missing.push({ field: 'email', text: 'Enter your email address' });
      if (!password) missing.push({ field: 'password', text: 'Enter your password' });
      if (missing.length > 0) return show(missing);

      const checked = await checkPassword(email, password, request.ip);
      if (checked.result === 'wait') {
        await record(request, { action: 'my-sign-in', outcome: 'too-many-attempts', status: 429 });
        throw tooManyAttempts(checked.seconds);
      }
      const known = { accountId: checked.account?.id, patientId: checked.account?.patientId };
      const wrong = async () => {
        await record(request, { action: 'my-sign-in', outcome: 'sign-in-refused', status: 422, ...known });
        return show([{ field: 'email', text: 'The email address or the password is not right' }]);
      };
      if (checked.result === 'wrong') return wrong();
      await record(request, { action: 'my-sign-in', outcome: 'allowed', status: 303, ...known });
      await store.setName(checked.account.id, await readName(context.database.service, checked.account.id));
      // Changed while it was being looked at: then it was the wrong one, which is recorded as well.
      if (!(await sessions.begin(request, reply, checked.account, request.patientSession))) return wrong();
      return reply.redirect(next, 303);
    },
  );

  app.post('/my/sign-out', async (request, reply) => {
    const session = request.patientSession;
    if (session) {
      await sessions.end(reply, session);
      const { id: accountId, patientId } = session.account;
      await record(request, { action: 'my-sign-out', outcome: 'allowed', status: 303, accountId, patientId });
    }
    room.flash(reply, { kind: 'success', text: 'You have signed out' });
    return reply.redirect('/my/sign-in', 303);
  });
}

/** Only pages of this room: a patient who was sent to a page of staff's would find a sign-in that is not theirs. */
function nextOf(next: unknown): string {
  const safe = safeNextPath(next);
  return /^\/my(?![\w-])(?!\/sign-)/.test(safe) ? safe : '/my';
}
