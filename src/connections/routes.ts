import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import type { SignIn } from '../sign-in/index.ts';
import type { Pages } from '../web/index.ts';
import { addRoutes } from './add-routes.ts';
import { changeRoutes } from './change-routes.ts';
import { settleExpired } from './change-standing.ts';
import { listRoutes } from './list-routes.ts';
import { narrowRoutes } from './narrow-routes.ts';
import { numbersRoutes } from './numbers/numbers-routes.ts';
import { reviewRoutes } from './review-routes.ts';
import { createUseCases } from './use-cases.ts';
import { viewRoutes } from './view-routes.ts';

const SETTLE_EVERY_MS = 60_000;

/** The administrator's pages: which third-party systems may use the organisation's data. */
export function connectionRoutes(context: Context, pages: Pages, signIn: SignIn) {
  return async (app: FastifyInstance): Promise<void> => {
    const room: Room = { ...createUseCases(context), context, pages, signIn };
    app.get('/', { onRequest: signIn.requireStaff }, (_request, reply) =>
      reply.redirect('/connected-systems', 303),
    );
    listRoutes(app, room);
    addRoutes(app, room);
    reviewRoutes(app, room);
    viewRoutes(app, room);
    numbersRoutes(app, room);
    changeRoutes(app, room);
    narrowRoutes(app, room);

    const settling = setInterval(() => {
      settleExpired(context.database.service).catch((error) =>
        app.log.warn({ err: error }, 'ended connections were not marked; the next minute tries again'),
      );
    }, SETTLE_EVERY_MS).unref();
    app.addHook('onClose', async () => clearInterval(settling));
  };
}

/** What the routes of this room work with. */
export type Room = ReturnType<typeof createUseCases> & { context: Context; pages: Pages; signIn: SignIn };
