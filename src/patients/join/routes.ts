import type { FastifyInstance } from 'fastify';
import type { Room } from '../room.ts';
import { accountRoutes } from './account-routes.ts';
import { birthDateRoutes } from './birth-date-routes.ts';
import { codesRoutes } from './codes-routes.ts';
import { confirmRoutes } from './confirm-routes.ts';
import { createLookUp, type LookUp } from './look-up.ts';
import { createJoinStore, type JoinStore } from './store.ts';
import { createTickets, type Tickets } from './ticket.ts';

/** /join: from two codes to an account. Codes, date of birth, e-mail address and password, confirmation. */
export function joinRoutes(app: FastifyInstance, room: Room): void {
  const { database, secrets, now } = room.context;
  const joinStore = createJoinStore(database.service);
  const joining: JoinRoom = {
    ...room,
    joinStore,
    lookUp: createLookUp({ store: joinStore, attempts: room.attempts, pepper: secrets.pepper, now }),
    tickets: createTickets({ cookieKey: secrets.cookieKey, secure: room.secure, now }),
  };
  codesRoutes(app, joining);
  birthDateRoutes(app, joining);
  accountRoutes(app, joining);
  confirmRoutes(app, joining);
}

export type JoinRoom = Room & { joinStore: JoinStore; lookUp: LookUp; tickets: Tickets };
