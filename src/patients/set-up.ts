import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import type { Mail } from '../mail/index.ts';
import { createAttempts } from '../sign-in/index.ts';
import type { Web } from '../web/index.ts';
import { accessRoutes } from './access/routes.ts';
import { accountRoutes } from './account/account-routes.ts';
import { newPasswordRoutes } from './account/new-password-routes.ts';
import { createRecorder } from './audit-entry.ts';
import { homeRoutes } from './home-routes.ts';
import { joinRoutes } from './join/routes.ts';
import { createNotifyOfLetters } from './letters/notify.ts';
import { letterRoutes } from './letters/routes.ts';
import { recordRoutes } from './record-routes.ts';
import { createRecognisePatient, createRequirePatient } from './require-patient.ts';
import type { Room } from './room.ts';
import { createPatientSessions } from './sessions.ts';
import { sharingRoutes } from './sharing/routes.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { createPatientStore } from './store.ts';

const CLEAN_EVERY_MS = 3_600_000;
const NOTIFY_EVERY_MS = 60_000;

/** The pages of patients: joining, signing in, and what is theirs. Register it in the scope that `setUpWeb` made. */
export function patientRoutes(context: Context, web: Web, mail: Mail, options: { secure: boolean }) {
  return async (app: FastifyInstance): Promise<void> => {
    const { database, secrets, audit, now } = context;
    const store = createPatientStore(database.service);
    const sessions = createPatientSessions({ store, secure: options.secure, now });
    const room: Room = {
      context,
      pages: web.pages,
      flash: web.flash,
      mail,
      attempts: createAttempts(database.service, secrets.pepper),
      store,
      sessions,
      record: createRecorder(audit),
      requirePatient: createRequirePatient(web),
      secure: options.secure,
    };
    app.decorateRequest('patientSession', null);
    // In this scope alone: staff's pages know nothing of patients' sessions.
    app.addHook('onRequest', createRecognisePatient(sessions));
    signInRoutes(app, room);
    joinRoutes(app, room);
    newPasswordRoutes(app, room);
    homeRoutes(app, room);
    accountRoutes(app, room);
    recordRoutes(app, room);
    letterRoutes(app, room);
    accessRoutes(app, room);
    sharingRoutes(app, room);

    const cleaning = setInterval(() => {
      store
        .clean(now())
        .catch((error) =>
          app.log.warn({ err: error }, 'old sessions and links were not removed; the next hour tries'),
        );
    }, CLEAN_EVERY_MS).unref();
    const notifyOfLetters = createNotifyOfLetters(room);
    const notifying = setInterval(() => {
      notifyOfLetters().catch((error) =>
        app.log.warn({ err: error }, 'patients were not told of new letters; the next minute tries again'),
      );
    }, NOTIFY_EVERY_MS).unref();
    app.addHook('onClose', async () => {
      clearInterval(cleaning);
      clearInterval(notifying);
    });
  };
}
