import { EXIT_HELP } from '../shared/run-program.ts';
import { CONNECTION_FLAGS, CONNECTION_HELP } from '../shared/settings.ts';
import { UsageError } from '../shared/usage-error.ts';
import { pushAddress } from './push/push-address.ts';

export const HELP = `Sends a folder of letters to patients' records, invites the patients who do not use theirs yet, waits for the
letters to be read, and lists which must be printed and posted.
Safe to run again: a letter that is there is not sent twice, nobody is invited twice, and receipts are asked for anew.

  node examples/hybrid-mail/hybrid-mail.ts --folder letters --hours 72 --wait 60

  --folder FOLDER      the letters and their letters.csv (a few for the demo world, beside the program)
  --hours N            post a letter that has not been read so many hours after it was sent (72)
  --wait MINUTES       keep asking for receipts for so long, while any is waited for (0: ask once)
  --every SECONDS      how often (30; with --push 300, for what was not told)
  --push ADDRESS       be told when a letter is read instead: the address at which the service reaches this program,
                       https, or with the demo started with PUSH_TO_LOOPBACK=true, http://127.0.0.1:8090/letters
  --listen [IP:]PORT   where it listens, behind the proxy that ends the TLS (127.0.0.1:8090)
  --out FOLDER         where invitations.csv and post.csv are written (.data/hybrid-mail)
  --at-once N          how many letters are under way together (default 4, at most 16)

${CONNECTION_HELP}

${EXIT_HELP}`;

export const FLAGS = {
  ...CONNECTION_FLAGS,
  folder: { type: 'string' },
  hours: { type: 'string' },
  wait: { type: 'string' },
  every: { type: 'string' },
  push: { type: 'string' },
  listen: { type: 'string' },
  out: { type: 'string' },
  'at-once': { type: 'string' },
} as const;

type Typed = Partial<Record<'hours' | 'wait' | 'every' | 'at-once' | 'push' | 'listen', string | undefined>>;

export type Options = ReturnType<typeof readOptions>;

/** @throws {UsageError} saying what is wrong with which */
export function readOptions({ push, listen, ...flags }: Typed) {
  const address = push === undefined ? undefined : pushAddress(push, listen);
  if (listen && !address) throw new UsageError('--listen goes with --push.');
  const waitMs = number('--wait', flags.wait, 0, 0, 7 * 24 * 60) * 60_000;
  if (address && waitMs === 0) throw new UsageError('With --push, say for how long to wait: --wait MINUTES.');
  return {
    hours: number('--hours', flags.hours, 72, 0, 24 * 365),
    waitMs,
    everyMs: number('--every', flags.every, address ? 300 : 30, 1, 3600) * 1000,
    atOnce: number('--at-once', flags['at-once'], 4, 1, 16),
    address,
  };
}

function number(flag: string, text: string | undefined, otherwise: number, min: number, max: number) {
  const value = text === undefined ? otherwise : Number(text || 'none');
  if (!(value >= min && value <= max)) throw new UsageError(`${flag} is a number from ${min} to ${max}.`);
  if (flag === '--at-once' && !Number.isInteger(value)) throw new UsageError(`${flag} is a whole number.`);
  return value;
}
