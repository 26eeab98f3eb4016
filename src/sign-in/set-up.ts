import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import type { Web } from '../web/index.ts';
import { accountRoutes } from './account-routes.ts';
import { createAttempts } from './attempts.ts';
import { createRecorder, type RecordAudit } from './audit-entry.ts';
import { codeRoutes } from './code-routes.ts';
import { newPasswordRoutes } from './new-password-routes.ts';
import { createOpenLaunched } from './open-launched.ts';
import { organisationRoutes } from './organisation-routes.ts';
import { passwordRoutes } from './password-routes.ts';
import type { ProviderAccess } from './provider/ask-provider.ts';
import { findRoutes } from './provider/find-routes.ts';
import { identityRoutes } from './provider/identity-routes.ts';
import { createProviderRoom } from './provider/room.ts';
import { providerRoutes } from './provider/routes.ts';
import type { WaysIn } from './provider/ways-in.ts';
import { createGuards, createRecogniseStaff } from './require-staff.ts';
import type { Room } from './room.ts';
import { createSessions } from './sessions.ts';
import { createSignInStore } from './store.ts';

type SignInOptions = {
  database: Pick<Pool, 'query'>;
  secrets: { pepper: Buffer; encryptionKey: Buffer };
  /** True when people reach the service by https. */
  secure: boolean;
  now: () => Date;
  recordAudit: RecordAudit;
  /** How organisations' own sign-ins are reached; without it nobody is offered one. */
  providers?: ProviderAccess;
};

const CLEAN_EVERY_MS = 3_600_000;

/**
 * Adds staff sign-in to the scope of page routes that `setUpWeb` made; call it before the rooms add theirs.
 * The guards it returns go on their routes: `{ onRequest: signIn.requireRole(['administrator'], 'give access') }`.
 */
export function setUpSignIn(app: FastifyInstance, web: Web, options: SignInOptions) {
  const store = createSignInStore(options.database);
  const attempts = createAttempts(options.database, options.secrets.pepper);
  const sessions = createSessions({ store, secure: options.secure, now: options.now });
  const guards = createGuards(web);
  const room: Room = {
    ...guards,
    ...web,
    store,
    attempts,
    sessions,
    record: createRecorder(options.recordAudit, options.now),
    encryptionKey: options.secrets.encryptionKey,
    now: options.now,
  };

  app.decorateRequest('staff', null);
  app.decorateRequest('staffSession', null);
  app.addHook('onRequest', createRecogniseStaff(sessions));
  const waysIn = options.providers && organisationSignIn(app, room, options, options.providers);
  passwordRoutes(app, room, waysIn);
  newPasswordRoutes(app, room);
  codeRoutes(app, room);
  organisationRoutes(app, room);
  accountRoutes(app, room, waysIn !== undefined);

  const cleaning = setInterval(() => {
    Promise.all([store.clean(options.now()), attempts.clean(options.now())]).catch((error) =>
      app.log.warn({ err: error }, 'old sessions and attempts were not removed; the next hour tries again'),
    );
  }, CLEAN_EVERY_MS).unref();
  app.addHook('onClose', async () => clearInterval(cleaning));

  return { ...guards, attempts, openLaunchedSession: createOpenLaunched(room), waysIn };
}

function organisationSignIn(
  app: FastifyInstance,
  room: Room,
  { database, secure }: SignInOptions,
  access: ProviderAccess,
): WaysIn {
  const providerRoom = createProviderRoom(room, { database, access, secure });
  providerRoutes(app, providerRoom);
  identityRoutes(app, providerRoom);
  findRoutes(app, providerRoom);
  return providerRoom.waysIn;
}

export type SignIn = ReturnType<typeof setUpSignIn>;
