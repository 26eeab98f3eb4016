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
export const whatInWords = ({
  kind,
  interaction,
  resourceType,
}: Pick<AccessEntry, 'kind' | 'interaction' | 'resourceType'>) =>
  kind === 'fhir'
    ? callInWords(interaction, resourceType)
    : (PAGES[interaction] ?? `Used a page (${interaction.replaceAll('-', ' ')})`);

export const cameOfIt = outcomeInWords;

/** Why: the organisation's own reason for the connection before what the system says of itself. */
export const whyInWords = ({
  reason,
  purpose,
  personName,
}: Pick<AccessEntry, 'reason' | 'purpose' | 'personName'>): string | null =>
  reason || purpose || (personName ? 'To look after you' : null);

/** The kinds of record that were read and written, each once. */
export function kindsInWords(acts: AccessGroup['acts']) {
  const of = (wanted: (interaction: string) => boolean) => [
    ...new Set(
      acts
        .filter(({ interaction, type }) => type && wanted(interaction))
        .map(({ type }) => kindInWords(type!)),
    ),
  ];
  return {
    read: of((interaction) => !WRITES.has(interaction)),
    written: of((interaction) => WRITES.has(interaction)),
    emergency: acts.some(({ interaction }) => interaction === 'break-glass'),
  };
}

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'process-message', 'register']);

const PAGES: Record<string, string | undefined> = {
  'record-read': 'Opened your record',
  'break-glass': 'Opened more of your record in an emergency',
  'break-glass-end': 'Closed what they had opened in an emergency',
  'find-patient': 'Looked for your record by number and date of birth',
  launch: 'Opened your record from their own system',
  'launch-connect': 'Opened your record from their own system, after signing in',
  'launch-try': 'Tried a link to your record from their own system',
};
