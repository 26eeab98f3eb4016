import { KINDS } from '../oauth/kinds-of-record.ts';

/** What a call did: 'Searched observations', 'Read patients’ details'. */
export function callInWords(interaction: string, resourceType: string | null): string {
  const operation = OPERATIONS[interaction];
  if (operation) return operation;
  const act = ACTS[interaction] ?? interaction;
  if (resourceType) return `${act} ${KINDS[resourceType]?.many ?? resourceType}`;
  return interaction === 'notify' ? 'Was sent a notification' : act;
}

/** What came of a call, from its outcome code (docs/errors.md). */
export function outcomeInWords(outcome: string): string {
  if (outcome === 'allowed') return 'Allowed';
  return `Refused: ${REFUSALS[outcome] ?? outcome.replaceAll('-', ' ')}`;
}

const ACTS: Record<string, string | undefined> = {
  read: 'Read',
  vread: 'Read an earlier version of',
  history: 'Read the history of',
  'history-instance': 'Read the history of',
  'search-type': 'Searched',
  'search-system': 'Searched all records',
  create: 'Added',
  update: 'Changed',
  patch: 'Changed',
  delete: 'Deleted',
  batch: 'Sent several at once',
  transaction: 'Sent several at once',
  operation: 'Ran an operation on',
  notify: 'Was sent a notification about',
};

const OPERATIONS: Record<string, string | undefined> = {
  '$process-message': 'Registered or updated a patient',
  $register: 'Registered or updated patients',
  '$status-query': 'Asked which patients have joined',
  '$date-of-last-data-point': 'Asked when records were last added to',
  '$generate-invitation-tokens': 'Made invitations to join',
  '$read-receipt-query': 'Asked which letters were read',
  $status: 'Asked how its notifications stand',
  $events: 'Asked for notifications that it missed',
  $redeliver: 'Asked for notifications to be sent again',
};

const REFUSALS: Record<string, string | undefined> = {
  'token-invalid': 'its sign-in had ended',
  'system-not-live': 'the system was not live',
  'organisation-mismatch': 'it was signed in for another organisation',
  'connection-none': 'no access had been granted',
  'connection-suspended': 'access was suspended',
  'connection-revoked': 'access was revoked',
  'connection-expired': 'access had expired',
  'scope-insufficient': 'its permissions do not cover this',
  'label-not-covered': 'it was not given this kind of information',
  'organisation-missing': 'it did not say for which organisation',
  'not-found': 'there is no such record that it may see',
  gone: 'the record was deleted',
  'not-own': 'another organisation wrote the record',
  'patient-choice': 'only the patient changes their choices',
  'resource-invalid': 'what it sent is not valid',
  'patient-unknown': 'the patient is not registered with your organisation',
  'attachment-refused': 'a file that it sent is not one that patients can open',
  'attachment-unknown': 'the file that its letter names is not there',
  'version-conflict': 'the record had been changed meanwhile',
};
