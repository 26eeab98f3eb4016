import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { isEmailAddress } from '../../mail/index.ts';
import {
  type AttemptLimit,
  hashPassword,
  networkOf,
  passwordProblem,
  tooManyAttempts,
  withinHour,
} from '../../sign-in/index.ts';
import { inTransaction } from '../as-patient.ts';
import { newSecret } from '../sessions.ts';
import { showCannot, statusOf } from './cannot.ts';
import { confirmMessage, knownAddressMessage } from './messages.ts';
import type { JoinRoom } from './routes.ts';

const Form = Type.Object({
  email: Type.String({ default: '', maxLength: 320 }),
  password: Type.String({ default: '', maxLength: 1000 }),
});

const LINK_LIVES_SECONDS = 24 * 3600;
/** Messages that one invitation, and one network, may cause: nobody is to be flooded with them. */
const PER_INVITATION: AttemptLimit = {
  purpose: 'join-mail',
  free: 5,
  firstWaitSeconds: 600,
  waitSecondsMax: 3600,
};
const PER_NETWORK: AttemptLimit = {
  purpose: 'join-mail-network',
  free: 30,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

/** /join/account: e-mail address and password. The account is made when the address is confirmed, not before. */
export function accountRoutes(app: FastifyInstance, room: JoinRoom): void {
  const { pages, record, lookUp, tickets, context, store, joinStore, mail, attempts } = room;
  const { now, database, baseUrl } = context;

  app.get('/join/account', async (request, reply) => {
    if (!tickets.read(request)?.birthDateAgreed) return reply.redirect('/join', 303);
    return pages.render(reply, 'patients/join/account.njk', { email: '' });
  });

  app.get('/join/check-email', (_request, reply) =>
    pages.render(reply, 'patients/join/check-email.njk', { demo: context.config.demo && !mail.sends }),
  );

  app.post<{ Body: Static<typeof Form> }>(
    '/join/account',
    { schema: { body: Form } },
    async (request, reply) => {
      const ticket = tickets.read(request);
      const found = ticket?.birthDateAgreed ? await lookUp.byTicket(ticket.codeHash) : null;
      if (!ticket || !found) return reply.redirect('/join', 303);
      const { invitation, standing } = found;
      const { patientId, organisationId } = invitation;
      const told = { action: 'join-account', patientId, organisationId } as const;
      if (standing !== 'open') {
        await record(request, { ...told, outcome: `invitation-${standing}`, status: statusOf(standing) });
        return showCannot(pages, reply, standing);
      }

      const email = request.body.email.trim().toLowerCase();
      const errors = [];
      if (!email) errors.push({ field: 'email', text: 'Enter your email address' });
      else if (!isEmailAddress(email)) {
        errors.push({ field: 'email', text: 'Enter an email address like name@example.com' });
      }
      const problem = passwordProblem(request.body.password, { name: '', email });
      if (problem) errors.push({ field: 'password', text: problem });
      if (errors.length > 0) {
        return pages.render(reply.code(422), 'patients/join/account.njk', {
          email: request.body.email,
          errors,
        });
      }

      const seconds =
        (await attempts.count(PER_NETWORK, withinHour(networkOf(request.ip), now()), now())) ??
        (await attempts.count(PER_INVITATION, invitation.id, now()));
      if (seconds !== null) {
        await record(request, { ...told, outcome: 'too-many-attempts', status: 429 });
        throw tooManyAttempts(seconds);
      }

      // The same work and the same page whether or not the address has an account: who is a patient here is not told.
      const passwordHash = await hashPassword(request.body.password);
      const known = await store.accountByEmail(email);
      const { secret, hash } = newSecret();
      const at = now();
      const expiresAt = new Date(at.getTime() + LINK_LIVES_SECONDS * 1000);
      await record(request, { ...told, outcome: 'allowed', status: 303 });
      await inTransaction(database.service, async (client) => {
        if (known)
          return mail.put(
            client,
            'join-known-address',
            knownAddressMessage(email, `${baseUrl()}/my/sign-in`),
          );
        await joinStore.insertLink(client, {
          tokenHash: hash,
          invitation,
          email,
          passwordHash,
          now: at,
          expiresAt,
        });
        await mail.put(
          client,
          'join-confirm',
          confirmMessage(email, `${baseUrl()}/join/confirm?link=${secret}`),
        );
      });
      mail.look();
      return reply.redirect('/join/check-email', 303);
    },
  );
}
