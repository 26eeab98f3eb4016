/** What is counted for a connection, in the order in which it is shown and exported. */
export const MEASURES = [
  { key: 'invitations-made', group: 'invitations', text: 'Invitations made' },
  { key: 'invitations-used', group: 'invitations', text: 'Invitations used' },
  { key: 'invitations-expired', group: 'invitations', text: 'Invitations that expired unused' },
  { key: 'invitations-ended', group: 'invitations', text: 'Invitations ended before they were used' },
  { key: 'refused-not-found', group: 'refused', text: 'Not made: patient not found' },
  { key: 'refused-already-registered', group: 'refused', text: 'Not made: had joined already' },
  { key: 'refused-under-16', group: 'refused', text: 'Not made: under 16' },
  { key: 'refused-deceased', group: 'refused', text: 'Not made: has died' },
  { key: 'refused-birth-date-missing', group: 'refused', text: 'Not made: no date of birth' },
  { key: 'refused-other', group: 'refused', text: 'Not made: identifier not usable' },
  { key: 'letters-sent', group: 'letters', text: 'Letters sent' },
  { key: 'letters-read', group: 'letters', text: 'Letters read' },
  { key: 'letters-unreadable', group: 'letters', text: 'Letters that could not be opened' },
  { key: 'letters-unread', group: 'unread', text: 'Letters unread' },
  { key: 'patients-registered', group: 'patients', text: 'Patients registered' },
  { key: 'calls-allowed', group: 'calls', text: 'Calls allowed' },
  { key: 'calls-refused', group: 'calls', text: 'Calls refused' },
  { key: 'push-delivered', group: 'push', text: 'Notifications delivered' },
  { key: 'push-failed', group: 'push', text: 'Attempts to deliver that failed' },
  { key: 'push-given-up', group: 'push', text: 'Notifications given up' },
  { key: 'push-waiting', group: 'push', text: 'Notifications waiting, by the day it happened' },
] as const;

export type Measure = (typeof MEASURES)[number]['key'];
export type Group = (typeof MEASURES)[number]['group'];

const REFUSED: Record<string, Measure | undefined> = Object.fromEntries(
  MEASURES.filter(({ group }) => group === 'refused').map(({ key }) => [key, key]),
);

/** The measure that an invitation refused with this outcome code counts towards. */
export const refusedFor = (outcome: string): Measure => REFUSED[`refused-${outcome}`] ?? 'refused-other';
