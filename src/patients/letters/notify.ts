import type { Message } from '../../mail/index.ts';
import { inTransaction } from '../as-patient.ts';
import type { Room } from '../room.ts';

const AT_ONCE = 5000;

/**
 * Tells patients by mail of letters that have become visible: one message for all that are new, and nothing of what or
 * whose they are. Any number of processes may do so; a letter is told of once. Returns how many messages were written.
 */
export function createNotifyOfLetters({ context, mail }: Pick<Room, 'context' | 'mail'>) {
  return async function notifyOfLetters(): Promise<number> {
    const link = `${context.baseUrl()}/my/letters`;
    const written = await inTransaction(context.database.service, async (client) => {
      const { rows } = await client.query<{ email: string; letters: number }>({
        name: 'letters-take-to-notify',
        text: 'select email, letters from take_letters_to_notify($1)',
        values: [AT_ONCE],
      });
      for (const { email, letters } of rows)
        await mail.put(client, 'letter', letterMessage(email, letters, link));
      return rows.length;
    });
    if (written > 0) mail.look();
    return written;
  };
}

const letterMessage = (to: string, letters: number, link: string): Message => ({
  to,
  subject: letters === 1 ? 'You have a new letter' : `You have ${letters} new letters`,
  text: [
    letters === 1 ? 'There is a new letter for you.' : `There are ${letters} new letters for you.`,
    `Sign in to read ${letters === 1 ? 'it' : 'them'}:\n${link}`,
    'Nobody from this service will ever ask you for your password.',
  ].join('\n\n'),
});
