/** What became of a launch, for administrators and for the person it was made in the name of. */
export const outcomeWords = (outcome: string): string => WORDS[outcome] ?? outcome;

const WORDS: Record<string, string> = {
  'not-paired': 'Asked to show who they are (a first use, or a new browser)',
  'link-reused': 'A link was used on a second device: possibly copied',
  'allowed-second-browser':
    'A link was used on a second device, and opened the record: the person had shown who they are there since',
  'device-cookie-reused': 'A browser’s connection was used twice: possibly stolen. It was ended',
  'launch-unreadable': 'The link could not be read',
  'launch-expired': 'The link was outside its time',
  'launch-wrong-practice': 'The link came from a practice that is not listed',
  'launch-withdrawn': 'The link is withdrawn',
  'too-many-attempts': 'Too many attempts',
  'patient-not-found': 'No such patient of your organisation',
  'birth-date-mismatch': 'The date of birth did not agree',
  'patient-merged': 'The record was joined with another one',
  'no-role': 'The person has no role here any more',
  'paired-with-another': 'The user name is connected to another account',
};
