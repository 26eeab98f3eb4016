import { whyNot } from '../shared/invitation-words.ts';
import type { Receipt, Status } from '../shared/operations.ts';
import type { SentLetter } from './send-letters.ts';

type Known = {
  status: Status | undefined;
  sent: SentLetter | undefined;
  receipt: Receipt | undefined;
  /** Why the patient could not be invited. */
  cannotJoin: string | undefined;
};

/** What is to be done about a letter: nothing more, print and post it, wait for its receipt, or ask a person. */
export type Next =
  | { do: 'nothing'; why: string }
  | { do: 'post'; why: string }
  | { do: 'wait'; why: string; until: Date }
  | { do: 'ask'; why: string; undone?: boolean };

const HOUR_MS = 3_600_000;

/** The rule of hybrid mail: on paper goes what was not, or cannot be, read on screen in time. */
export function whatNext({ status, sent, receipt, cannotJoin }: Known, hours: number, now: Date): Next {
  if (status?.deceased) return { do: 'ask', why: 'the patient has died: ask who wrote the letter' };
  if (!sent) return { do: 'ask', why: 'not tried yet', undone: true };
  if (sent.how === 'refused') {
    if (sent.code === 'not-found') return { do: 'post', why: 'not registered with the organisation' };
    return { do: 'ask', why: `not taken: ${sent.why}`, undone: true };
  }
  if (receipt?.outcome === 'withdrawn') return { do: 'ask', why: 'the letter was withdrawn' };
  if (receipt?.reportedUnreadable) return { do: 'post', why: 'the patient could not open it' };
  if (receipt?.read) return { do: 'nothing', why: `read ${receipt.firstRead ?? ''}`.trim() };
  if (cannotJoin) return { do: 'post', why: `cannot join: the patient ${whyNot(cannotJoin)}` };
  const until = new Date(sent.sentAt.getTime() + hours * HOUR_MS);
  if (until <= now) return { do: 'post', why: `not read within ${hours} hours` };
  return { do: 'wait', why: `not read yet; to be posted after ${until.toISOString()}`, until };
}
