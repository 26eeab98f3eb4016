import { callInWords, outcomeInWords } from '../../connections/calls-in-words.ts';
import { kindInWords } from '../../connections/kinds-in-words.ts';
import type { AccessEntry, AccessGroup } from './store.ts';

/** Who it was, as people say it. */
export function whoInWords(
  one: Pick<AccessGroup, 'systemName' | 'company' | 'personName' | 'organisationName'> & {
    clientId?: string | null;
  },
): string {
  if (one.systemName) return one.company ? `${one.systemName} (${one.company})` : one.systemName;
  if (one.personName) return one.personName;
  return one.clientId ?? 'Somebody who did not say who they were';
}

/** What was done, as people say it. */
export function whatInWords({
  kind,
  interaction,
  outcome,
  resourceType,
}: Pick<AccessEntry, 'kind' | 'interaction' | 'outcome' | 'resourceType'>): string {
  if (kind !== 'fhir') {
    const done = PAGES[interaction] ?? `Used a page (${interaction.replaceAll('-', ' ')})`;
    return outcome === 'allowed' ? done : done.replace(/^Opened/, 'Tried to open');
  }
  const tried = outcome === 'allowed' ? undefined : TRIED[interaction];
  if (!tried) return callInWords(interaction, resourceType);
  const kinds = resourceType ? kindInWords(resourceType) : 'Records';
  return `Tried to ${tried} ${kinds.charAt(0).toLowerCase()}${kinds.slice(1)}`;
}

/** Of what was refused nobody should read that it was done. */
const TRIED: Record<string, string | undefined> = {
  read: 'read',
  vread: 'read an earlier version of',
  'history-instance': 'read the history of',
  'search-type': 'search',
  create: 'add',
  update: 'change',
  'update-conditional': 'add or change',
  delete: 'delete',
};

/** What came of it, as it is said to the patient. */
export function cameOfIt({ outcome, touched }: Pick<AccessEntry, 'outcome' | 'touched'>): string {
  if (outcome === 'allowed') return touched ? 'Allowed' : 'Found nothing of yours';
  const words = TO_THE_PATIENT[outcome];
  return words ? `Refused: ${words}` : outcomeInWords(outcome);
}

/** What administrators are told in other words. */
const TO_THE_PATIENT: Record<string, string | undefined> = {
  'patient-unknown': 'you are not registered with the organisation',
  'patient-not-found': 'you are not registered with the organisation',
  'birth-date-mismatch': 'the date of birth that it gave is not yours',
  'patient-choice': 'only you change your choices',
};

/** Why: the organisation's own reason for the connection before what the system says of itself. */
export const whyInWords = ({
  reason,
  purpose,
  personName,
}: Pick<AccessEntry, 'reason' | 'purpose' | 'personName'>): string | null =>
  reason || purpose || (personName ? 'To look after you' : null);

/** The kinds of record that were asked for, written, and tried to be written, each once. */
export function kindsInWords(acts: AccessGroup['acts']) {
  const of = (wanted: (act: AccessGroup['acts'][number]) => boolean) => [
    ...new Set(acts.filter((act) => act.type && wanted(act)).map(({ type }) => kindInWords(type!))),
  ];
  const writes = ({ interaction }: { interaction: string }) => WRITES.has(interaction);
  return {
    read: of((act) => !writes(act)),
    written: of((act) => writes(act) && act.done > 0),
    refused: of((act) => writes(act) && act.done === 0),
    emergency: acts.some(({ interaction, done }) => interaction === 'break-glass' && done > 0),
  };
}

const WRITES = new Set([
  'create',
  'update',
  'patch',
  'delete',
  'update-conditional',
  '$process-message',
  '$register',
]);

const PAGES: Record<string, string | undefined> = {
  'record-read': 'Opened your record',
  'break-glass': 'Opened more of your record in an emergency',
  'break-glass-end': 'Closed what they had opened in an emergency',
  'find-patient': 'Looked for your record by number and date of birth',
  launch: 'Opened your record from their own system',
  'launch-connect': 'Opened your record from their own system, after signing in',
  'launch-try': 'Tried a link to your record from their own system',
};
