import type { AuditEntry } from '../audit/audit.ts';
import type { DemoPatient } from './patients.ts';
import { AMONG_FIRST, patientsExtra } from './patients-extra.ts';
import { pushOf } from './push.ts';
import type { World } from './world.ts';

/** The records of each attempt to tell of a letter that was read, oldest first: as send-due.ts writes them. */
export function pastNotifications(world: World): AuditEntry[] {
  const first: DemoPatient[] = [];
  for (const patient of world.patients()) {
    if (first.push(patient) === AMONG_FIRST) break;
  }
  const push = pushOf(world, patientsExtra(world, first).letters);
  if (!push) return [];
  const { connection, told } = push;
  return told
    .flatMap(({ event, attempts }) =>
      attempts.map((at, index) => ({
        kind: 'fhir' as const,
        interaction: 'notify',
        outcome: 'allowed',
        status: 200,
        requestId: event.notificationId,
        clientId: connection.clientId,
        connectionId: connection.id,
        organisationId: connection.organisationId,
        resourceType: 'DocumentReference',
        resourceId: event.id,
        patients: [event.patientId],
        count: 1,
        bytes: 1480,
        detail: `letter-read, attempt ${index + 1}`,
        at,
      })),
    )
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}
