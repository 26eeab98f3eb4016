import type { Pages, Web } from '../web/index.ts';
import type { Attempts } from './attempts.ts';
import type { Recorder } from './audit-entry.ts';
import type { createGuards } from './require-staff.ts';
import type { Sessions } from './sessions.ts';
import type { SignInStore } from './store.ts';

/** What the routes of this room work with. */
export type Room = ReturnType<typeof createGuards> & {
  pages: Pages;
  flash: Web['flash'];
  store: SignInStore;
  attempts: Attempts;
  sessions: Sessions;
  record: Recorder;
  encryptionKey: Buffer;
  now: () => Date;
};
