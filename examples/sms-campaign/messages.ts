import { createHash } from 'node:crypto';
import { lastDay } from '../shared/invitation-words.ts';

type To = { mobile: string };
type Pair = { code: string; token: string; expiry: string };

/** A pair's two messages. Their ids are made of the codes, so they are the same however often they are made. */
export function messagesFor({ mobile }: To, pair: Pair, { from, join }: { from: string; join: string }) {
  const id = (secret: string) => createHash('sha256').update(secret).digest('base64url').slice(0, 22);
  return [
    {
      message_id: id(pair.code),
      mobile,
      text: `${from}: see your health record at ${join} with invitation code ${pair.code} by ${lastDay(pair.expiry)}. The access code follows.`,
    },
    {
      message_id: id(pair.token),
      mobile,
      text: `${from}: your access code is ${pair.token}. We will never ask you for it.`,
    },
  ];
}
