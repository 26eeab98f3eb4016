import type { FastifyRequest } from 'fastify';
import { staffOf } from '../sign-in/index.ts';
import { roleNeeded } from '../web/index.ts';
import type { Acting } from './acting.ts';

export const MANAGE = 'manage connected systems';

/** Who is acting, as the use cases and the audit want it. */
export function actingOf(request: FastifyRequest): Acting {
  const { accountId, organisationId } = staffOf(request);
  return { accountId, organisationId, requestId: request.id, address: request.ip };
}

export const isAdministrator = (request: FastifyRequest): boolean =>
  staffOf(request).role === 'administrator';

/** The role was there when the page was asked for and had ended when the database was. */
export const roleEnded = () => roleNeeded('an organisation administrator', MANAGE);
