import type { Context } from '../context.ts';
import { createFindSystem } from './find-system.ts';
import { createGrantAccess } from './grant-access.ts';
import { createListConnections } from './list-connections.ts';
import { createNarrowAccess } from './narrow-access.ts';
import { createReadNumbers } from './numbers/read-numbers.ts';
import { createPermissionsForPush } from './push/permissions-for-push.ts';
import { createReadPush } from './push/read-push.ts';
import { createReach } from './reach.ts';
import { createResumeAccess } from './resume-access.ts';
import { createRevokeAccess } from './revoke-access.ts';
import { createSuspendAccess } from './suspend-access.ts';
import { createViewConnection } from './view-connection.ts';

/** All that people do with connections, without a page in sight. */
export function createUseCases(context: Pick<Context, 'database' | 'audit' | 'secrets' | 'now'>) {
  return {
    ...createFindSystem(context),
    grantAccess: createGrantAccess(context),
    revokeAccess: createRevokeAccess(context),
    suspendAccess: createSuspendAccess(context),
    narrowAccess: createNarrowAccess(context),
    resumeAccess: createResumeAccess(context),
    listConnections: createListConnections(context),
    viewConnection: createViewConnection(context),
    reach: createReach(context),
    readNumbers: createReadNumbers(context),
    readPush: createReadPush(context),
    permissionsForPush: createPermissionsForPush(context),
  };
}

export type UseCases = ReturnType<typeof createUseCases>;
