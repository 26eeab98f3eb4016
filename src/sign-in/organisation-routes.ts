import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { safeNextPath } from './next-path.ts';
import { ROLE_NAMES, stepPage } from './require-staff.ts';
import type { Room } from './room.ts';
import { nextStep } from './sessions.ts';

const Query = Type.Object({ next: Type.Optional(Type.String()) });
const Form = Type.Object({
  organisation: Type.String({ default: '', maxLength: 100 }),
  next: Type.Optional(Type.String({ maxLength: 2000 })),
});

/** /account/organisation: someone with roles in several chooses for which they work now. */
export function organisationRoutes(app: FastifyInstance, room: Room): void {
  const { pages, sessions, record } = room;

  app.get<{ Querystring: Static<typeof Query> }>(
    '/account/organisation',
    { schema: { querystring: Query } },
    (request, reply) => {
      const session = request.staffSession;
      const next = safeNextPath(request.query.next);
      if (!session) return reply.redirect(`/sign-in?next=${encodeURIComponent(next)}`, 303);
      if (!mayChoose(session)) return reply.redirect(stepPage(session, next), 303);
      return pages.render(reply, 'sign-in/organisation.njk', { next, roles: choices(session) });
    },
  );

  app.post<{ Body: Static<typeof Form> }>(
    '/account/organisation',
    { schema: { body: Form } },
    async (request, reply) => {
      const session = request.staffSession;
      const next = safeNextPath(request.body.next);
      if (!session) return reply.redirect('/sign-in', 303);
      if (!mayChoose(session)) return reply.redirect(stepPage(session, next), 303);
      const role = session.account.roles.find(
        ({ organisationId }) => organisationId === request.body.organisation,
      );
      if (!role) {
        const errors = [{ field: 'organisation', text: 'Choose an organisation' }];
        return pages.render(reply.code(422), 'sign-in/organisation.njk', {
          next,
          roles: choices(session),
          errors,
        });
      }
      const { organisationId } = role;
      const accountId = session.account.id;
      await record(request, { action: 'choose-organisation', outcome: 'success', accountId, organisationId });
      const renewed = await sessions.become(reply, session, { organisationId });
      return reply.redirect(renewed ? next : '/sign-in', 303);
    },
  );
}

type Session = Parameters<typeof nextStep>[0];

/** Only once the second factor is done, for the list of roles is nobody else's to see; never without a sign-in. */
const mayChoose = (session: Session): boolean =>
  !session.openedBy && ['organisation', 'done'].includes(nextStep(session));

const choices = (session: Session) =>
  session.account.roles.map((role) => ({
    ...role,
    roleName: ROLE_NAMES[role.role],
    chosen: role.organisationId === session.organisationId,
  }));
