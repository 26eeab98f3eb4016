import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { createRecordContexts } from '../record-context/index.ts';
import { type SignIn, staffOf } from '../sign-in/index.ts';
import { PageError, type Web } from '../web/index.ts';
import { breakGlassRoutes } from './break-glass-routes.ts';
import { findPatientRoutes } from './find-patient-routes.ts';
import { openForStaff } from './open-for-staff.ts';
import { recordPages } from './record-pages.ts';

/** The record page of professionals, /record: of the patient whose record their session has open. */
export function recordRoutes(context: Context, web: Web, signIn: SignIn) {
  return async (app: FastifyInstance): Promise<void> => {
    const contexts = createRecordContexts({ database: context.database.service, now: context.now });
    const room: Room = {
      context,
      web,
      signIn,
      contexts,
      openContext: (request) => contextOf(contexts, request),
    };
    recordPages(app, {
      path: '/record',
      pages: web.pages,
      onRequest: signIn.requireStaff,
      now: context.now,
      baseUrl: context.baseUrl,
      open: async (request) => openForStaff(context, request, await room.openContext(request)),
    });
    breakGlassRoutes(app, room);
    findPatientRoutes(app, room);
  };
}

type Contexts = ReturnType<typeof createRecordContexts>;

/** What the routes of this room work with. */
export type Room = {
  context: Context;
  web: Web;
  signIn: SignIn;
  contexts: Contexts;
  openContext: (request: FastifyRequest) => ReturnType<typeof contextOf>;
};

/** A record that is not open is never another one, and never a search: whoever came for one patient is told to. */
async function contextOf(contexts: Contexts, request: FastifyRequest) {
  staffOf(request);
  const context = await contexts.currentContext(request);
  if (context) return context;
  throw new PageError({
    status: 404,
    code: 'no-record-open',
    title: 'No patient record is open',
    message: 'The record was closed, or was opened in another browser or for another organisation.',
    whatToDo:
      'Open it again from where you came: from the patient in your clinical system, or by finding the patient here.',
  });
}
