const STATUS = 'system/Patient.$status-query';
const INVITE = 'system/Organization.$generate-invitation-tokens';
const RECEIPTS = 'system/DocumentReference.$read-receipt-query';
const REGISTER_ONE = 'system/Patient.$process-message';
const REGISTER_MANY = 'system/Patient.$register';
const LAST_DATA = 'system/Patient.$date-of-last-data-point';
const PUSH = 'system/Subscription.cruds';

export type SystemFacts = {
  company: string;
  name: string;
  /** In the company's words. */
  purpose: string;
  contactName: string;
  contactEmail: string;
  privacyNoticeUrl: string;
  standing: 'draft' | 'live' | 'suspended';
  scopes: string[];
  /** Its private key's name in keys.json; a system without one has a client secret. */
  key?: 'cohortia-extract' | 'openward-shared-record' | 'postbridge-letters' | 'pulsehome-monitoring';
};

const read = (...types: string[]) => types.map((type) => `system/${type}.rs`);

/** The six live ones first. */
export const SYSTEMS: readonly SystemFacts[] = [
  {
    name: 'Postbridge Letters',
    company: 'Postbridge Ltd',
    purpose:
      'We send your letters to patients on screen first, and print and post only those that have not been opened after the number of days you set.',
    contactName: 'Customer integration desk',
    contactEmail: 'integration@postbridge.example.org',
    privacyNoticeUrl: 'https://postbridge.example.org/privacy',
    standing: 'live',
    scopes: [
      ...[
        'system/Patient.rs',
        'system/Binary.cr',
        'system/DocumentReference.cruds',
        RECEIPTS,
        INVITE,
        STATUS,
      ],
      PUSH,
    ],
    key: 'postbridge-letters',
  },
  {
    name: 'Arrivo Kiosk',
    company: 'Arrivo Health Ltd',
    purpose:
      'Patients check in for their appointment on a screen in your waiting room, confirm their details, and are offered access to their record.',
    contactName: 'Arrivo support',
    contactEmail: 'support@arrivo.example.org',
    privacyNoticeUrl: 'https://arrivo.example.org/kiosk/privacy',
    standing: 'live',
    scopes: ['system/Patient.rs', 'system/Appointment.rus', REGISTER_ONE, INVITE, STATUS],
  },
  {
    name: 'Arrivo Text Invitations',
    company: 'Arrivo Health Ltd',
    purpose:
      'We text patients who have not registered yet an invitation to their record, in campaigns you choose or after a new appointment.',
    contactName: 'Arrivo support',
    contactEmail: 'support@arrivo.example.org',
    privacyNoticeUrl: 'https://arrivo.example.org/text/privacy',
    standing: 'live',
    scopes: [...read('Patient', 'Appointment'), REGISTER_MANY, INVITE, STATUS],
  },
  {
    name: 'Openward Shared Record',
    company: 'Openward Software Ltd',
    purpose:
      'Clinicians see problems, medicines, allergies, results and letters from every organisation that cares for the patient, inside the system they already use.',
    contactName: 'Clinical safety and privacy team',
    contactEmail: 'privacy@openward.example.org',
    privacyNoticeUrl: 'https://openward.example.org/privacy',
    standing: 'live',
    scopes: [
      ...read('Patient', 'Condition', 'AllergyIntolerance', 'MedicationStatement', 'Observation'),
      ...read('DiagnosticReport', 'Immunization', 'Encounter', 'Appointment', 'DocumentReference', 'Consent'),
      LAST_DATA,
    ],
    key: 'openward-shared-record',
  },
  {
    name: 'Pulsehome Monitoring',
    company: 'Pulsehome Devices Ltd',
    purpose:
      'Patients measure blood pressure, weight and pulse at home; we send the readings to their record so that your team can act on them.',
    contactName: 'Data protection lead',
    contactEmail: 'dataprotection@pulsehome.example.org',
    privacyNoticeUrl: 'https://pulsehome.example.org/privacy',
    standing: 'live',
    scopes: ['system/Patient.rs', 'system/Observation.cruds'],
    key: 'pulsehome-monitoring',
  },
  {
    name: 'Cohortia Extract',
    company: 'Cohortia Research CIC',
    purpose:
      'We collect coded data about people with long-term conditions for ethically approved research, and remove what identifies them before any researcher sees it.',
    contactName: 'Research governance office',
    contactEmail: 'governance@cohortia.example.org',
    privacyNoticeUrl: 'https://cohortia.example.org/privacy',
    standing: 'live',
    scopes: read('Patient', 'Condition', 'MedicationStatement', 'Observation', 'Immunization', 'Encounter'),
    key: 'cohortia-extract',
  },
  {
    name: 'Openward Ward Board',
    company: 'Openward Software Ltd',
    purpose: 'An electronic whiteboard for wards. Not finished: the company has not yet asked for review.',
    contactName: 'Clinical safety and privacy team',
    contactEmail: 'privacy@openward.example.org',
    privacyNoticeUrl: 'https://openward.example.org/ward-board/privacy',
    standing: 'draft',
    scopes: read('Patient', 'Encounter'),
  },
  {
    name: 'Cohortia Classic',
    company: 'Cohortia Research CIC',
    purpose: 'The forerunner of Cohortia Extract, taken out of service.',
    contactName: 'Research governance office',
    contactEmail: 'governance@cohortia.example.org',
    privacyNoticeUrl: 'https://cohortia.example.org/classic/privacy',
    standing: 'suspended',
    scopes: read('Patient', 'Condition'),
  },
];
