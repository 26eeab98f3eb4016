import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { asPatient } from '../as-patient.ts';
import { patientOf } from '../require-patient.ts';
import type { Room } from '../room.ts';
import { listLetters, PAGE_SIZE } from './store.ts';

const Query = Type.Object({
  search: Type.String({ default: '', maxLength: 200 }),
  show: Type.String({ default: '', maxLength: 20 }),
  page: Type.String({ default: '', maxLength: 20 }),
});

/** /my/letters: the list. */
export function listRoutes(app: FastifyInstance, room: Room): void {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/my/letters',
    { onRequest: room.requirePatient, schema: { querystring: Query } },
    async (request, reply) => {
      const { accountId } = patientOf(request);
      const { search, show } = request.query;
      const page = /^[1-9]\d{0,5}$/.test(request.query.page) ? Number(request.query.page) : 1;
      const filter = { text: search.trim(), unreadOnly: show === 'unread', page };
      const list = await asPatient(room.context.database.service, accountId, (client, patientId) =>
        listLetters(client, patientId, filter),
      );
      if (!list) return reply.redirect('/my/sign-in', 303);
      return room.pages.render(reply, 'patients/letters/list.njk', {
        list,
        page,
        pageSize: PAGE_SIZE,
        pages: Math.ceil(list.matching / PAGE_SIZE),
        filter: { search, show },
      });
    },
  );
}
