import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { tooManyAttempts } from '../../sign-in/index.ts';
import { showCannot, statusOf } from './cannot.ts';
import type { JoinRoom } from './routes.ts';

const Form = Type.Object({
  code: Type.String({ default: '', maxLength: 200 }),
  token: Type.String({ default: '', maxLength: 200 }),
});

const MALFORMED = {
  code: 'Check the invitation code: it has 10 letters and numbers',
  token: 'Check the access code: it has 10 letters and numbers',
};

/** /join: the two codes, typed, or put in by script from the fragment, which is sent to no server and in no log. */
export function codesRoutes(app: FastifyInstance, room: JoinRoom): void {
  const { pages, record, lookUp, tickets } = room;

  app.get('/join', (_request, reply) =>
    pages.render(reply, 'patients/join/codes.njk', { code: '', token: '' }),
  );

  app.post<{ Body: Static<typeof Form> }>('/join', { schema: { body: Form } }, async (request, reply) => {
    const { code, token } = request.body;
    const show = (errors: { field: string; text: string }[]) =>
      pages.render(reply.code(422), 'patients/join/codes.njk', { code, token, errors });

    const missing = [];
    if (!code.trim()) missing.push({ field: 'code', text: 'Enter your invitation code' });
    if (!token.trim()) missing.push({ field: 'token', text: 'Enter your access code' });
    if (missing.length > 0) return show(missing);

    const looked = await lookUp.byCodes({ code, token }, request.ip);
    if (looked.result === 'malformed') return show([{ field: looked.field, text: MALFORMED[looked.field] }]);
    if (looked.result === 'wait') {
      await record(request, { action: 'join-codes', outcome: 'too-many-attempts', status: 429 });
      throw tooManyAttempts(looked.seconds);
    }
    if (looked.result === 'wrong') {
      await record(request, { action: 'join-codes', outcome: 'codes-wrong', status: 422 });
      return show([
        { field: 'code', text: 'These two codes do not belong to an invitation. Check both of them' },
      ]);
    }
    const { standing, invitation, codeHash } = looked;
    const { patientId, organisationId } = invitation;
    if (standing !== 'open') {
      const outcome = `invitation-${standing}`;
      const status = statusOf(standing);
      await record(request, { action: 'join-codes', outcome, status, patientId, organisationId });
      return showCannot(pages, reply, standing);
    }
    await record(request, {
      action: 'join-codes',
      outcome: 'allowed',
      status: 303,
      patientId,
      organisationId,
    });
    tickets.give(reply, { codeHash, birthDateAgreed: false });
    return reply.redirect('/join/date-of-birth', 303);
  });
}
