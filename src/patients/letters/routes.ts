import type { FastifyInstance } from 'fastify';
import type { Room } from '../room.ts';
import { listRoutes } from './list-routes.ts';
import { openRoutes } from './open-routes.ts';
import { reportRoutes } from './report-routes.ts';

/** /my/letters: what organisations sent to the patient. */
export function letterRoutes(app: FastifyInstance, room: Room): void {
  listRoutes(app, room);
  openRoutes(app, room);
  reportRoutes(app, room);
}
