import type { PrivacyLabel } from '../fhir/store/labels.ts';
import { newRootId } from '../ids.ts';
import type { Calendar } from './calendar.ts';
import type { DemoOrganisation, OrganisationKind } from './organisations.ts';
import { createRandom } from './random.ts';
import type { DemoPerson } from './staff.ts';
import type { DemoSystem } from './systems.ts';

export type ConnectionStatus = 'active' | 'suspended' | 'revoked' | 'expired';

export type DemoConnectionEvent = {
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

type Decision = {
  by: OrganisationKind;
  system: string;
  /** Days ago. */
  granted: number;
  labels: PrivacyLabel[];
  reason: string;
  scopes?: string[];
  team?: string;
  /** In days. */
  expires?: number;
  status?: Exclude<ConnectionStatus, 'active'>;
  /** Days ago: suspended, revoked or expired. */
  changed?: number;
  why?: string;
};

const GENERAL: PrivacyLabel[] = ['GENERAL_HEALTH'];
const ALL: PrivacyLabel[] = ['GENERAL_HEALTH', 'MENTAL_HEALTH', 'SEXUAL_HEALTH', 'SOCIAL_CARE'];

const DECISIONS: readonly Decision[] = [
  {
    by: 'hospital',
    system: 'Postbridge Letters',
    granted: 420,
    labels: GENERAL,
    reason: 'Pilot of digital letters in two clinics.',
    status: 'revoked',
    changed: 265,
    why: 'The pilot has ended.',
  },
  {
    by: 'hospital',
    system: 'Postbridge Letters',
    granted: 240,
    labels: ALL,
    reason: 'Digital letters for all outpatient clinics, agreed by the programme board.',
  },
  {
    by: 'hospital',
    system: 'Arrivo Kiosk',
    granted: 180,
    labels: GENERAL,
    reason: 'Kiosks in the main outpatient entrance.',
    expires: 185,
  },
  {
    by: 'hospital',
    system: 'Arrivo Text Invitations',
    granted: 120,
    labels: GENERAL,
    reason: 'Invitations after new referrals.',
    status: 'suspended',
    changed: 9,
    why: 'Patients report texts sent twice; waiting for the supplier.',
  },
  {
    by: 'hospital',
    system: 'Openward Shared Record',
    granted: 310,
    labels: ['GENERAL_HEALTH', 'MENTAL_HEALTH', 'SOCIAL_CARE'],
    reason: 'Shared record for the emergency department.',
  },
  {
    by: 'hospital',
    system: 'Pulsehome Monitoring',
    granted: 96,
    labels: GENERAL,
    reason: 'Virtual ward for heart failure and blood pressure.',
    expires: 270,
  },
  {
    by: 'practice',
    system: 'Pulsehome Monitoring',
    granted: 75,
    labels: GENERAL,
    reason: 'Home blood pressure readings for the hypertension clinic.',
  },
  {
    by: 'practice',
    system: 'Arrivo Text Invitations',
    granted: 60,
    labels: GENERAL,
    reason: 'Annual reviews of long-term conditions.',
    team: 'Long-term Conditions Clinic',
  },
  {
    by: 'practice',
    system: 'Arrivo Kiosk',
    granted: 200,
    labels: GENERAL,
    reason: 'One kiosk at reception.',
    status: 'revoked',
    changed: 33,
    why: 'The kiosk was returned to the supplier.',
  },
  {
    by: 'community',
    system: 'Postbridge Letters',
    granted: 150,
    labels: ['GENERAL_HEALTH', 'SOCIAL_CARE'],
    reason: 'Care plan letters from community nursing.',
    scopes: ['system/Patient.rs', 'system/DocumentReference.crs'],
  },
  {
    by: 'community',
    system: 'Arrivo Kiosk',
    granted: 365,
    labels: GENERAL,
    reason: 'Trial at the Fenmoor health centre, one year.',
    status: 'expired',
    changed: 14,
  },
  {
    by: 'community',
    system: 'Openward Shared Record',
    granted: 280,
    labels: ALL,
    reason: 'Crisis team needs the hospital record.',
    status: 'revoked',
    changed: 47,
    why: 'Privacy review asks for a grant without sexual health first.',
  },
];
