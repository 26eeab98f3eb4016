import type { Status } from '../standing.ts';
import type { Push } from './read-push.ts';

/** A subscription as an administrator can judge it: what it is told of, how that stands, and what went wrong last. */
export const pushData = (push: Push, connection: { status: Status; systemLive: boolean }) => ({
  ...push,
  what: TOPICS[push.topic] ?? push.topic,
  stands: standingInWords(push, connection),
  problem: push.error === null ? null : problemInWords(push.error),
});

const TOPICS: Record<string, string | undefined> = {
  'letter-read': 'A patient opens a letter',
  'patient-registered': 'A patient is registered',
  'invitation-used': 'A patient joins',
  'record-changed': 'A record is changed',
  'connection-changed': 'Its own access changes',
};

function standingInWords(
  { standing, paused, failing }: Push,
  { status, systemLive }: { status: Status; systemLive: boolean },
): string {
  if (status === 'revoked' || status === 'expired') return 'Ended with its access';
  if (paused) return 'Paused by the company: what happens is kept for it';
  if (standing === 'off') return 'Ended';
  if (status === 'suspended') return 'Held back while access is suspended';
  if (!systemLive) return 'Held back while the system is not live';
  if (standing === 'requested') return 'Waiting for the company’s server to confirm that it wants this';
  return standing === 'error' || failing ? 'Not getting through: tried again and again' : 'Working';
}

/** What went wrong, from the code of a delivery that failed. */
export function problemInWords(code: string): string {
  const status = /^HTTP (\d)\d\d$/.exec(code)?.[1];
  if (status === '3') return `The company’s server sent us to another address, where we do not go (${code})`;
  if (status === '5') return `The company’s server had a fault (${code})`;
  if (status) return `The company’s server did not accept it (${code})`;
  const words = PROBLEMS.find(([pattern]) => pattern.test(code))?.[1];
  return words ?? `The company’s server could not be reached (${code.replaceAll('_', ' ').toLowerCase()})`;
}

const PROBLEMS: [RegExp, string][] = [
  [/^timeout$|TIMEDOUT$|_TIMEOUT$/, 'The company’s server did not answer in time'],
  [/^(ENOTFOUND|EAI_AGAIN|ENODATA)$/, 'There is no such server'],
  [/^ECONNREFUSED$/, 'Nothing answers at the company’s address'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_CLOSED)$/, 'The connection to the company’s server broke off'],
  [
    /CERT|SELF_SIGNED|_TLS_|_SSL_|UNABLE_TO_/,
    'The company’s server could not show that it is the one that was named',
  ],
  [
    /^endpoint-not-allowed$/,
    'The company’s address leads into a private network or back to this service, where nothing is sent',
  ],
  [/^paused$/, 'The company paused it for too long'],
  [/^connection-suspended$/, 'Access was suspended for too long'],
  [/^system-not-live$/, 'The system was not live for too long'],
  [/^no-handshake$/, 'The company’s new address never confirmed that it wants this'],
  [/^internal$/, 'A fault of this service’s: tell whoever runs it'],
];
