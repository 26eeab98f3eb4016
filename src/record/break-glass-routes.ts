import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { recordPath } from '../record-context/index.ts';
import { PageError } from '../web/index.ts';
import { createBreakGlass, readBreakGlassForm } from './break-glass.ts';
import { frameData } from './frame-data.ts';
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
  /** The form, for a record that is open and where the organisation allows it. It says whose, so it is audited. */
  async function show(request: FastifyRequest, reply: FastifyReply, status: number, shown: Shown) {
    const open = await openContext(request);
    if (!open.breakGlass) throw notAllowed();
    const record = openForStaff(context, request, open);
    const banner = await record.read((client) => readBanner(client, open.patientId, context.now()));
    await record.record({
      section: 'emergency access',
      outcome: banner ? 'allowed' : 'not-found',
      status: banner ? status : 404,
      resourceType: null,
      resourceId: null,
      count: 0,
    });
    if (!banner) {
      reply.code(404);
      return web.pages.render(reply, 'record/unavailable.njk', { own: false });
    }
    reply.code(status);
    return web.pages.render(reply, 'record/break-glass.njk', {
      ...frameData(record, banner),
      glass: null,
      back: { href: recordPath(open) },
      reasons: REASONS,
      ...shown,
    });
  }

  app.get('/record/break-glass', { onRequest }, (request, reply) => show(request, reply, 200, {}));

  app.post('/record/break-glass', { onRequest }, async (request, reply) => {
    const form = readBreakGlassForm(request.body);
    if ('errors' in form) {
      const { reason, explanation } = (request.body ?? {}) as Shown;
      return show(request, reply, 422, { ...form, reason, explanation });
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
