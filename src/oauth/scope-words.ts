import { KINDS } from './kinds-of-record.ts';
import { parseScope } from './scopes.ts';

export type ScopeWords = {
  /** What a system may do, as a short sentence without a full stop. */
  title: string;
  /** What kinds of thing that is about. */
  detail: string;
};

/**
 * A scope as an administrator can judge it: "Read and search observations". The scope itself is shown beneath it, not
 * instead of it. One that this service does not know is said to give nothing, which is true.
 */
export function inPlainWords(scope: string): ScopeWords {
  const permissions = parseScope(scope);
  const [first = ''] = permissions ?? [];
  const [type = '', access = ''] = first.split('.');
  if (!permissions)
    return { title: 'Nothing', detail: 'This service does not know this permission, so it gives nothing.' };
  const operation = OPERATION_WORDS[first];
  if (access.startsWith('$') && operation) return operation;

  const letters = permissions.map((permission) => permission.slice(permission.indexOf('.') + 1));
  const verbs = VERBS.filter(([letter]) => letters.includes(letter)).map(([, verb]) => verb);
  const kind =
    type === '*' ? ANY_KIND : (KINDS[type] ?? { many: plural(type), detail: `FHIR ${type} resources.` });
  return { title: capital(`${list(verbs)} ${kind.many}`), detail: kind.detail };
}

const VERBS = [
  ['r', 'read'],
  ['s', 'search'],
  ['c', 'add'],
  ['u', 'change'],
  ['d', 'delete'],
] as const;

const ANY_KIND = {
  many: 'every kind of record',
  detail:
    'Everything in the records of the patients it reaches: details, problems, medicines, results, letters and more.',
};

const OPERATION_WORDS: Record<string, ScopeWords | undefined> = {
  'Patient.$process-message': {
    title: 'Register a patient, or update their details',
    detail:
      'Name, address, contact details and teams of one patient at a time, matched by NHS number and date of birth.',
  },
  'Patient.$register': {
    title: 'Register many patients at once',
    detail: 'Names, addresses, contact details and teams, matched by NHS number and date of birth.',
  },
  'Patient.$status-query': {
    title: 'See which patients have registered',
    detail:
      'For NHS numbers it already holds: whether each patient uses their record, and whether they have died.',
  },
  'Patient.$date-of-last-data-point': {
    title: 'See when patients’ records were last added to',
    detail: 'For patients it already knows: the date of the latest entry, not what it is.',
  },
  'Patient.$launch': {
    title: 'Open patients’ records for your staff',
    detail:
      'A link that works once, in the browser of a professional who has connected their user of that system with their account here. The system itself sees nothing of the record.',
  },
  'Organization.$generate-invitation-tokens': {
    title: 'Make invitations for patients to join',
    detail: 'Codes with which a patient can claim their own record.',
  },
  'DocumentReference.$read-receipt-query': {
    title: 'See whether patients have read letters you sent',
    detail: 'For each letter: whether, and when, the patient first opened it.',
  },
};

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** `DeviceUseStatement` as people would say it: "device use statements". */
function plural(type: string): string {
  const words = type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  if (/[^aeiou]y$/.test(words)) return words.replace(/y$/, 'ies');
  if (/sis$/.test(words)) return words.replace(/sis$/, 'ses');
  return /(s|x|ch|sh)$/.test(words) ? `${words}es` : `${words}s`;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
