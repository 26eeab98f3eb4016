import type { FastifyInstance } from 'fastify';
import { recordPath } from '../record-context/index.ts';
import { PageError } from '../web/index.ts';
import { createBreakGlass, readBreakGlassForm } from './break-glass.ts';
import { openForStaff } from './open-for-staff.ts';
import { readBanner } from './read-record.ts';
import { REASONS } from './reasons.ts';
import type { Room } from './routes.ts';

/** /record/break-glass: what will happen, the reason, and the way back before the half hour is over. */
export function breakGlassRoutes(app: FastifyInstance, room: Room): void {
  const { context, web, openContext } = room;
  const { breakGlass, endBreakGlass } = createBreakGlass(context);
  const { requireStaff: onRequest } = room.signIn;

  type Shown = { errors?: { field: string; text: string }[]; reason?: unknown; explanation?: unknown };
  async function data(request: Parameters<typeof openContext>[0], shown: Shown) {
    const open = await openContext(request);
    if (!open.breakGlass) throw notAllowed();
    const record = openForStaff(context, request, open);
    const banner = await record.read((client) => readBanner(client, open.patientId, context.now()));
    return {
      banner,
      own: false,
      ...(open.locked && { navigation: [] }),
      kept: record.kept,
      back: { href: recordPath(open) },
      reasons: REASONS,
      ...shown,
    };
  }

  app.get('/record/break-glass', { onRequest }, async (request, reply) =>
    web.pages.render(reply, 'record/break-glass.njk', await data(request, {})),
  );

  app.post('/record/break-glass', { onRequest }, async (request, reply) => {
    const form = readBreakGlassForm(request.body);
    if ('errors' in form) {
      const { reason, explanation } = (request.body ?? {}) as Shown;
      const filled = await data(request, { ...form, reason, explanation });
      reply.code(422);
      return web.pages.render(reply, 'record/break-glass.njk', filled);
    }
    const open = await openContext(request);
    const { outcome } = await breakGlass(request, open, form);
    if (outcome === 'not-allowed') throw notAllowed();
    web.flash(reply, {
      kind: outcome === 'broken' ? 'success' : 'information',
      text:
        outcome === 'broken'
          ? 'You can see everything in this record for 30 minutes'
          : 'You could see everything in this record already',
    });
    return reply.redirect(recordPath(open), 303);
  });

  app.post('/record/break-glass/end', { onRequest }, async (request, reply) => {
    const open = await openContext(request);
    await endBreakGlass(request, open);
    web.flash(reply, {
      kind: 'success',
      text: 'You see what the patient shares with your organisation again',
    });
    return reply.redirect(recordPath(open), 303);
  });
}

const notAllowed = () =>
  new PageError({
    status: 403,
    code: 'break-glass-not-allowed',
    title: 'Your organisation does not allow emergency access here',
    message:
      'You see what the patient shares with your organisation, and what your organisation wrote itself.',
    whatToDo: 'Ask the patient, or the organisation that holds the information.',
  });
