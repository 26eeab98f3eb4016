import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { notFound } from '../../web/index.ts';
import { asPatient } from '../as-patient.ts';
import { patientOf } from '../require-patient.ts';
import type { Room } from '../room.ts';
import { findLetter, reportLetter } from './store.ts';

const Letter = Type.Object({ id: Type.String({ format: 'uuid' }) });

/** "I could not open this": told to the organisation that sent the letter, so that it can send it on paper. */
export function reportRoutes(app: FastifyInstance, room: Room): void {
  const { pages, record, context } = room;
  const onRequest = room.requirePatient;

  app.get<{ Params: Static<typeof Letter> }>(
    '/my/letters/:id/unreadable',
    { onRequest, schema: { params: Letter } },
    async (request, reply) => {
      const { accountId, patientId } = patientOf(request);
      const letter = await asPatient(context.database.service, accountId, (client) =>
        findLetter(client, patientId, request.params.id.toLowerCase()),
      );
      if (!letter) throw notFound();
      const { content: _content, ...shown } = letter;
      return pages.render(reply, 'patients/letters/unreadable.njk', { letter: shown });
    },
  );

  app.post<{ Params: Static<typeof Letter> }>(
    '/my/letters/:id/unreadable',
    { onRequest, schema: { params: Letter } },
    async (request, reply) => {
      const { accountId, patientId } = patientOf(request);
      const id = request.params.id.toLowerCase();
      const letter = await asPatient(context.database.service, accountId, async (client) => {
        const found = await findLetter(client, patientId, id);
        if (found) await reportLetter(client, id);
        return found;
      });
      if (!letter) throw notFound();
      await record(request, {
        action: 'my-letter-unreadable',
        outcome: 'allowed',
        status: 303,
        accountId,
        patientId,
        organisationId: letter.organisationId,
        resourceType: 'DocumentReference',
        resourceId: letter.id,
      });
      room.flash(reply, { kind: 'success', text: 'We have noted that you could not open the letter' });
      return reply.redirect('/my/letters', 303);
    },
  );
}
