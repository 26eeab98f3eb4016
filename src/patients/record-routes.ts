import type { FastifyInstance } from 'fastify';
import { recordPages } from '../record/index.ts';
import { notFound } from '../web/index.ts';
import { asPatient } from './as-patient.ts';
import { patientOf } from './require-patient.ts';
import type { Room } from './room.ts';

/** /my/record: the parts that professionals see too, through the patient's own lock. */
export function recordRoutes(app: FastifyInstance, room: Room): void {
  recordPages(app, {
    path: '/my/record',
    pages: room.pages,
    onRequest: room.requirePatient,
    now: room.context.now,
    baseUrl: room.context.baseUrl,
    open: async (request) => {
      // A letter that was read there would be read without a receipt.
      if (request.routeOptions.url?.startsWith('/my/record/')) throw notFound();
      const { accountId, patientId } = patientOf(request);
      return {
        patientId,
        own: true,
        // Letters have pages of their own, where opening one is the receipt.
        without: ['letters'],
        letterPath: (id) => `/my/letters/${id}`,
        read: (act) => asPatient(room.context.database.service, accountId, act),
        record: ({ section, resourceType, resourceId, ...read }) =>
          room.record(request, {
            action: 'my-record',
            accountId,
            patientId,
            resourceType,
            resourceId,
            detail: section,
            ...read,
          }),
      };
    },
  });
}
