import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { safeNextPath } from '../next-path.ts';
import type { ProviderRoom } from './room.ts';

const Query = Type.Object({
  next: Type.Optional(Type.String()),
  code: Type.Optional(Type.String({ maxLength: 100 })),
});

/** /sign-in/organisation: finds the sign-in of an organisation by its ODS code. */
export function findRoutes(app: FastifyInstance, room: ProviderRoom): void {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/sign-in/organisation',
    { schema: { querystring: Query } },
    async (request, reply) => {
      const next = safeNextPath(request.query.next);
      const code = request.query.code?.trim().toUpperCase();
      const wayIn = code ? await room.waysIn.ofCode(code, next) : null;
      const text = code
        ? 'No organisation with this code has its own sign-in here'
        : 'Enter your organisation’s ODS code';
      return room.pages.render(reply, 'sign-in/find-organisation.njk', {
        next,
        code,
        wayIn,
        errors: code === undefined || wayIn ? undefined : [{ field: 'code', text }],
      });
    },
  );
}
