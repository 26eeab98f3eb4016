import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { newResourceId } from '../../ids.ts';
import { inTransaction } from '../as-patient.ts';
import { secretHash } from '../sessions.ts';
import { type Cannot, showCannot, statusOf } from './cannot.ts';
import { joinedMessage } from './messages.ts';
import type { JoinRoom } from './routes.ts';
import type { Joined } from './store.ts';

const Link = Type.Object({ link: Type.String({ default: '', maxLength: 100 }) });

const WHY: Record<Exclude<Joined['outcome'], 'joined'>, Cannot> = {
  'link-unusable': 'link-unusable',
  'may-not-join': 'not-possible',
  'invitation-used': 'used',
  'invitation-ended': 'expired',
  'email-taken': 'link-unusable',
};

/**
 * /join/confirm: where the link in the message leads. The page changes nothing, its button does: what opens links before
 * people do (scanners of mail servers, previews) uses none up.
 */
export function confirmRoutes(app: FastifyInstance, room: JoinRoom): void {
  const { pages, record, tickets, context, joinStore, mail } = room;
  const { now, database, baseUrl } = context;

  app.get<{ Querystring: Static<typeof Link> }>(
    '/join/confirm',
    { schema: { querystring: Link } },
    async (request, reply) => {
      const hash = secretHash(request.query.link);
      if (!hash || !(await joinStore.link(hash, now()))) return showCannot(pages, reply, 'link-unusable');
      return pages.render(reply, 'patients/join/confirm.njk', { link: request.query.link });
    },
  );

  app.post<{ Body: Static<typeof Link> }>(
    '/join/confirm',
    { schema: { body: Link } },
    async (request, reply) => {
      const hash = secretHash(request.body.link);
      const link = hash && (await joinStore.link(hash, now()));
      if (!hash || !link) {
        await record(request, { action: 'join-confirm', outcome: 'link-unusable', status: 410 });
        return showCannot(pages, reply, 'link-unusable');
      }
      const accountId = newResourceId(link.owner);
      const joined = await inTransaction(database.service, async (client) => {
        const made = await joinStore.join(client, hash, accountId, now());
        if (made.email)
          await mail.put(client, 'joined', joinedMessage(made.email, `${baseUrl()}/my/sign-in`));
        return made;
      });
      const { outcome } = joined;
      const about = {
        patientId: joined.patientId ?? undefined,
        organisationId: joined.organisationId ?? undefined,
      };
      if (outcome !== 'joined') {
        const why = WHY[outcome];
        await record(request, { action: 'join-confirm', outcome, status: statusOf(why), ...about });
        return showCannot(pages, reply, why);
      }
      await record(request, { action: 'join-confirm', outcome: 'allowed', status: 303, accountId, ...about });
      mail.look();
      tickets.take(reply);
      room.flash(reply, {
        kind: 'success',
        text: 'Your email address is confirmed. Sign in to see your record.',
      });
      return reply.redirect('/my/sign-in', 303);
    },
  );
}
