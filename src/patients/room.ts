import type { Context } from '../context.ts';
import type { Mail } from '../mail/index.ts';
import type { Attempts } from '../sign-in/index.ts';
import type { Web } from '../web/index.ts';
import type { Recorder } from './audit-entry.ts';
import type { createRequirePatient } from './require-patient.ts';
import type { PatientSessions } from './sessions.ts';
import type { PatientStore } from './store.ts';

/** What the routes of this room work with. */
export type Room = {
  context: Context;
  pages: Web['pages'];
  flash: Web['flash'];
  mail: Mail;
  attempts: Attempts;
  store: PatientStore;
  sessions: PatientSessions;
  record: Recorder;
  requirePatient: ReturnType<typeof createRequirePatient>;
  secure: boolean;
};
