import { createSigningKeys } from '../../src/subscriptions/signing-keys.ts';
import { type Command, UsageError } from './command.ts';

export const keyCommands: Record<string, Command> = {
  'rotate-notification-keys': {
    summary: 'makes the next key that signs notifications to systems; it signs from tomorrow on',
    options: {
      compromised: {
        value: 'yes',
        meaning: 'others may know the key: the new one signs at once, and the earlier ones are withdrawn',
        optional: true,
      },
    },
    async run(of, { database, secrets }) {
      const answer = of('compromised');
      if (answer !== '' && answer !== 'yes') throw new UsageError('--compromised is yes, or left out.');
      const withdraw = answer === 'yes';
      const kid = await createSigningKeys({ database, secrets }).rotate({ withdraw });
      if (kid === undefined) throw new Error('another process changed the key at the same moment.');
      const from = withdraw ? 'at once, and the earlier ones are withdrawn' : 'from tomorrow';
      return {
        about: { detail: `${kid} signs ${from}` },
        lines: [`New key: ${kid}`, `It is in /.well-known/jwks.json now, and signs ${from}.`],
      };
    },
  },
};
