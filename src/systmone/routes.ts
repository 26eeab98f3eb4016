import type { FastifyInstance } from 'fastify';
import type { SignIn } from '../sign-in/index.ts';
import type { Web } from '../web/index.ts';
import { accountRoutes } from './account-routes.ts';
import { createAnswers } from './answer.ts';
import { checkRoutes } from './check-routes.ts';
import { connectRoutes } from './connect-routes.ts';
import { launchRoutes } from './launch-routes.ts';
import { cleanLaunches } from './launch-store.ts';
import { overviewRoutes } from './overview-routes.ts';
import { createRoom, type Needs } from './room.ts';
import { setUpRoutes } from './set-up-routes.ts';
import { tryRoutes } from './try-routes.ts';

const CLEAN_EVERY_MS = 600_000;

/** Opening records from other clinical systems: set-up, launches, pairings. */
export function systmoneRoutes(context: Needs, web: Web, signIn: SignIn) {
  return async (app: FastifyInstance): Promise<void> => {
    const room = createRoom(context, web, signIn);
    const answers = createAnswers(room);
    launchRoutes(app, room, answers);
    connectRoutes(app, room, answers);
    overviewRoutes(app, room);
    setUpRoutes(app, room);
    tryRoutes(app, room);
    checkRoutes(app, room);
    accountRoutes(app, room);

    const cleaning = setInterval(() => {
      cleanLaunches(context.database.service, context.now()).catch((error) =>
        app.log.warn({ err: error }, 'old launches were not removed; the next ten minutes try again'),
      );
    }, CLEAN_EVERY_MS).unref();
    app.addHook('onClose', async () => clearInterval(cleaning));
  };
}
