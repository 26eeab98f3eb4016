import { writeFileSync } from 'node:fs';
import { joinAddress, lastDay } from '../shared/invitation-words.ts';
import type { Folder } from '../shared/ledger.ts';
import type { Visitor } from './check-in.ts';

type Pair = { code: string; token: string; expiry: string };

const WARNING = 'Nobody from the service will ever ask you for this code.';

/**
 * The two messages, each with half of what joining needs, to two different places: whoever reads one of them cannot
 * join. The e-mail's link carries its code behind a #, which browsers send to no server, so that it stands in no log.
 */
export function messagesFor(
  { email, mobile }: Pick<Visitor, 'email' | 'mobile'>,
  pair: Pair,
  fhirBase: string,
) {
  const join = joinAddress(fhirBase);
  const until = lastDay(pair.expiry);
  return {
    email: {
      to: email,
      subject: 'See your health record online',
      text: `You checked in and asked to see your record online.\n\nOpen ${join}#code=${pair.code}\nYour invitation code is ${pair.code}. The access code is in a text message to your phone.\n\nBoth are good until ${until}. ${WARNING}`,
    },
    sms: {
      to: mobile,
      text: `Your access code to see your health record is ${pair.token}. The invitation code is in an e-mail. ${WARNING}`,
    },
  };
}

/** Writes them where a kiosk would hand them to its mail and text services. Returns where. */
export function writeMessages(folder: Folder, visitor: Visitor, pair: Pair, fhirBase: string): string[] {
  const { email, sms } = messagesFor(visitor, pair, fhirBase);
  const mode = 0o600;
  const [mailFile, smsFile] = [folder.file('email.txt'), folder.file('sms.txt')];
  writeFileSync(mailFile, `To: ${email.to}\nSubject: ${email.subject}\n\n${email.text}\n`, { mode });
  writeFileSync(smsFile, `To: ${sms.to}\n\n${sms.text}\n`, { mode });
  return [mailFile, smsFile];
}
