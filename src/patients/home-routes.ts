import type { FastifyInstance } from 'fastify';
import { asPatient } from './as-patient.ts';
import { unreadLetters } from './letters/store.ts';
import { patientOf } from './require-patient.ts';
import type { Room } from './room.ts';

/** /my: where a patient arrives. */
export function homeRoutes(app: FastifyInstance, room: Room): void {
  app.get('/my', { onRequest: room.requirePatient }, async (request, reply) => {
    const { accountId, name } = patientOf(request);
    const unread = await asPatient(room.context.database.service, accountId, unreadLetters);
    return room.pages.render(reply, 'patients/home.njk', { name, unread: unread ?? 0 });
  });
}
