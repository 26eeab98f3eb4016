import type { PrivacyLabel } from '../fhir/store/labels.ts';
import { newRootId } from '../ids.ts';
import type { Calendar } from './calendar.ts';
import { type ConnectionStatus, DECISIONS } from './decisions.ts';
import type { DemoOrganisation } from './organisations.ts';
import { createRandom } from './random.ts';
import type { DemoPerson } from './staff.ts';
import type { DemoSystem } from './systems.ts';

type DemoConnectionEvent = {
  id: string;
  at: string;
  kind: 'granted' | 'suspended' | 'revoked' | 'expired';
  /** Nobody, when it came about by itself. */
  accountId: string | null;
  detail: string | null;
};

export type DemoConnection = {
  id: string;
  organisationId: string;
  clientId: string;
  status: ConnectionStatus;
  scopes: string[];
  labels: PrivacyLabel[];
  /** null: patients of every team. */
  teamIds: string[] | null;
  reason: string;
  grantedAt: string;
  grantedBy: string;
  expiresAt: string | null;
  endedAt: string | null;
  endedBy: string | null;
  endReason: string | null;
  /** In the order in which they happened. */
  events: DemoConnectionEvent[];
  /** Granted again later, so this one is history and describes nothing that stands. */
  superseded: boolean;
};

type Parts = {
  seed: string;
  calendar: Calendar;
  organisations: readonly DemoOrganisation[];
  staff: readonly DemoPerson[];
  systems: readonly DemoSystem[];
};

/** What each organisation decided about each system; see docs/demo-world.md for the same as a table. */
export function makeConnections({ seed, calendar, organisations, staff, systems }: Parts): DemoConnection[] {
  return DECISIONS.map((decision, index) => {
    const random = createRandom(`${seed}/connections/${index}`);
    const organisation = organisations.find(({ kind }) => kind === decision.by)!;
    const system = systems.find(({ name }) => name === decision.system)!;
    const administrators = staff.filter(({ roles }) =>
      roles.some((held) => held.organisationId === organisation.id && held.role === 'administrator'),
    );
    const moment = (day: number) =>
      calendar
        .instant(calendar.workday(day), random.integer(9 * 60, 16 * 60))
        .replace('000Z', `${random.integer(100, 999)}Z`);
    const [granter, ender] = [random.pick(administrators).id, random.pick(administrators).id];

    const grantedAt = moment(-decision.granted);
    const changedAt = decision.changed === undefined ? null : moment(-decision.changed);
    const status = decision.status ?? 'active';
    const ended = status === 'revoked' || status === 'expired';
    const endedBy = status === 'revoked' ? ender : null;
    const event = (
      at: string,
      kind: DemoConnectionEvent['kind'],
      accountId: string | null,
      detail: string | null,
    ) => ({
      id: newRootId(random.bytes),
      at,
      kind,
      accountId,
      detail,
    });

    return {
      id: newRootId(random.bytes),
      organisationId: organisation.id,
      clientId: system.clientId,
      status,
      scopes: decision.scopes ?? system.scopes,
      labels: decision.labels,
      teamIds: decision.team
        ? organisation.teams.filter(({ name }) => name === decision.team).map(({ id }) => id)
        : null,
      reason: decision.reason,
      grantedAt,
      grantedBy: granter,
      expiresAt:
        status === 'expired' ? changedAt : decision.expires ? calendar.instant(decision.expires, 0) : null,
      endedAt: ended ? changedAt : null,
      endedBy,
      endReason: status === 'revoked' ? decision.why! : null,
      events: [
        event(grantedAt, 'granted', granter, decision.reason),
        ...(changedAt && status !== 'active'
          ? [event(changedAt, status, status === 'expired' ? null : ender, decision.why ?? null)]
          : []),
      ],
      superseded: DECISIONS.slice(index + 1).some(
        ({ by, system: name }) => by === decision.by && name === decision.system,
      ),
    };
  });
}
