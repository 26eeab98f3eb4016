import type { ClientBase } from 'pg';
import { hashPassword } from '../../src/sign-in/index.ts';
import { accountWith, type Ended, type StaffAccount } from '../../src/sign-in/recovery/accounts.ts';
import { disableAccount, enableAccount } from '../../src/sign-in/recovery/disable-account.ts';
import { resetPassword, resetSecondFactor } from '../../src/sign-in/recovery/reset.ts';
import { inTransaction } from '../../src/systems/in-transaction.ts';
import type { Command, Done } from './command.ts';
import { newPassword } from './new-password.ts';

export const accountCommands: Record<string, Command> = {
  'disable-account': {
    summary: 'keeps everybody out of a staff account, and ends what is open or connected with it, at once',
    ...ofAccount((who) => `Disable the account of ${who}? Whatever it has open or connected ends at once.`),
    async run(of, { database }) {
      const { account, ended, organisationsWithoutAdministrator } = await inTransaction(
        database.service,
        (client) => disableAccount(client, of('email'), new Date()),
      );
      return {
        about: about(account, ended),
        lines: [
          `The account of ${nameOf(account)} is disabled: nobody can sign in with it.`,
          endedLine(ended),
          ...organisationsWithoutAdministrator.map((name) => `${name} has no administrator now.`),
        ],
      };
    },
  },

  'enable-account': {
    summary: 'lets a disabled staff account be used again; what was ended stays ended',
    ...ofAccount((who) => `Enable the account of ${who}, with the password and authenticator it has?`),
    async run(of, { database }) {
      const account = await inTransaction(database.service, (client) =>
        enableAccount(client, of('email'), new Date()),
      );
      return {
        about: about(account),
        lines: [
          `The account of ${nameOf(account)} is enabled, with the roles, password and authenticator it has.`,
          'If somebody else may know or hold these, give reset-second-factor now.',
        ],
      };
    },
  },

  'reset-password': {
    summary: 'puts a one-time password, shown once and good for an hour, in the place of a lost one',
    ...ofAccount((who) => `Reset the password of ${who}? The one they have ends, and so do open sessions.`),
    run: resetting(resetPassword, ({ authenticator }) => [
      `They sign in with it${authenticator ? ', with the authenticator they have' : ''}, and choose a password of their own.`,
    ]),
  },

  'reset-second-factor': {
    summary:
      "takes a staff account's authenticator away, with its password and all that was connected with it",
    ...ofAccount(
      (who) =>
        `Reset the second factor of ${who}? Their authenticator and password end, with whatever is open or connected.`,
    ),
    run: resetting(resetSecondFactor, () => [
      'They sign in with it, choose a password of their own and set up a new authenticator.',
      'They connect clinical systems, and the sign-in of their organisation, anew.',
    ]),
  },
};

/** What the commands have in common: they name an account, and ask before they touch it. */
function ofAccount(question: (who: string) => string): Pick<Command, 'options' | 'first' | 'asks'> {
  return {
    options: { email: { value: 'e-mail', meaning: 'with which the person signs in' } },
    first: 'email',
    asks: async (of, { database }) => question(nameOf(await accountWith(database.service, of('email')))),
  };
}

type Reset = (
  client: ClientBase,
  wanted: { email: string; passwordHash: string; now: Date },
) => Promise<{ account: StaffAccount; ended: Ended; expiresAt: Date }>;

function resetting(reset: Reset, next: (account: StaffAccount) => string[]): Command['run'] {
  return async (of, { database }): Promise<Done> => {
    const password = newPassword();
    const passwordHash = await hashPassword(password);
    const { account, ended, expiresAt } = await inTransaction(database.service, (client) =>
      reset(client, { email: of('email'), passwordHash, now: new Date() }),
    );
    return {
      about: about(account, ended),
      lines: [
        `The account of ${nameOf(account)} has a one-time password.`,
        endedLine(ended),
        `One-time password: ${password}`,
        `It is shown this once, and works until ${expiresAt.toISOString()}.`,
        ...next(account),
        ...(account.disabledAt ? ['The account is disabled: nobody gets in before enable-account.'] : []),
      ],
    };
  };
}

const nameOf = ({ name, email }: StaffAccount): string => `${name} <${email}>`;

const about = ({ id }: StaffAccount, ended?: Ended): Done['about'] => ({
  resourceType: 'account',
  resourceId: id,
  detail: ended && JSON.stringify(ended),
});

const endedLine = ({ sessions, codes, pairings, identities }: Ended): string =>
  `Ended: ${[
    count(sessions, 'open session'),
    count(codes, 'unused pair', ' of codes'),
    count(pairings, 'connection', ' with a clinical system'),
    count(identities, 'connection', " with an organisation's sign-in"),
  ].join(', ')}.`;

const count = (n: number, one: string, of = ''): string => `${n} ${one}${n === 1 ? '' : 's'}${of}`;
