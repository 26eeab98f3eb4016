import type { PrivacyLabel } from '../fhir/store/labels.ts';
import type { OrganisationKind } from './organisations.ts';

export type ConnectionStatus = 'active' | 'suspended' | 'revoked' | 'expired';

export type Decision = {
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

/** In the order in which they stand on the pages' histories: a later one of a pair takes the earlier one's place. */
export const DECISIONS: readonly Decision[] = [
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
    scopes: [
      ...['system/Patient.rs', 'system/DocumentReference.crs'],
      ...['system/DocumentReference.$read-receipt-query', 'system/Patient.$status-query'],
      'system/Organization.$generate-invitation-tokens',
    ],
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
