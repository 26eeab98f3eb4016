import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { tooManyAttempts } from '../../sign-in/index.ts';
import { showCannot, statusOf } from './cannot.ts';
import { isSixteen, readDate, todayIn } from './dates.ts';
import type { JoinRoom } from './routes.ts';

const Part = Type.String({ default: '', maxLength: 20 });
const Form = Type.Object({ day: Part, month: Part, year: Part });

/** /join/date-of-birth: what stands in no letter, so that a letter in the wrong hands is not enough. */
export function birthDateRoutes(app: FastifyInstance, room: JoinRoom): void {
  const { pages, record, lookUp, tickets, context } = room;

  app.get('/join/date-of-birth', async (request, reply) => {
    const ticket = tickets.read(request);
    if (!ticket) return reply.redirect('/join', 303);
    return pages.render(reply, 'patients/join/birth-date.njk', { day: '', month: '', year: '' });
  });

  app.post<{ Body: Static<typeof Form> }>(
    '/join/date-of-birth',
    { schema: { body: Form } },
    async (request, reply) => {
      const ticket = tickets.read(request);
      const found = ticket && (await lookUp.byTicket(ticket.codeHash));
      if (!ticket || !found) return reply.redirect('/join', 303);
      const { patientId, organisationId } = found.invitation;
      const told = { action: 'join-birth-date', patientId, organisationId } as const;
      if (found.standing !== 'open') {
        const status = statusOf(found.standing);
        await record(request, { ...told, outcome: `invitation-${found.standing}`, status });
        return showCannot(pages, reply, found.standing);
      }

      const today = todayIn(context.now());
      const birthDate = readDate(request.body);
      const show = (text: string) =>
        pages.render(reply.code(422), 'patients/join/birth-date.njk', {
          ...request.body,
          errors: [{ field: 'day', text }],
        });
      if (!birthDate) return show('Enter your date of birth, for example 31 3 1980');
      if (birthDate > today) return show('Your date of birth must be in the past');

      const tried = await lookUp.birthDate(ticket.codeHash, birthDate, request.ip);
      if (tried.result === 'wait') {
        await record(request, { ...told, outcome: 'too-many-attempts', status: 429 });
        throw tooManyAttempts(tried.seconds);
      }
      if (tried.result === 'wrong') {
        const locked = tried.left === 0;
        await record(request, { ...told, outcome: 'birth-date-wrong', status: locked ? 410 : 422 });
        if (locked) return showCannot(pages, reply, 'locked');
        const tries = tried.left === 1 ? 'one more try' : `${tried.left} more tries`;
        return show(`This is not the date of birth that we have for this invitation. You have ${tries}`);
      }
      // Only to who knew the date of birth: it tells something about the patient.
      const cannot = !isSixteen(birthDate, today)
        ? 'under-16'
        : found.invitation.deceased
          ? 'not-possible'
          : null;
      if (cannot) {
        await record(request, { ...told, outcome: `join-${cannot}`, status: statusOf(cannot) });
        return showCannot(pages, reply, cannot);
      }
      await record(request, { ...told, outcome: 'allowed', status: 303 });
      tickets.give(reply, { ...ticket, birthDateAgreed: true });
      return reply.redirect('/join/account', 303);
    },
  );
}
