import { createSigningKeys } from '../../src/subscriptions/index.ts';
import { type Command, UsageError } from './command.ts';

export const notificationCommands: Record<string, Command> = {
  'rotate-notification-keys': {
    summary: 'gives a new key to what signs notifications',
    options: {
      'earlier-keys': {
        value: 'keep or drop',
        meaning:
          'keep (if left out): the new key signs in 15 minutes, earlier ones stay published for 30 days; drop, if somebody may have them: it signs at once and they are withdrawn',
        optional: true,
      },
    },
    async run(of, { database, secrets }) {
      const earlier = of('earlier-keys') || 'keep';
      if (earlier !== 'keep' && earlier !== 'drop') throw new UsageError('--earlier-keys is keep or drop.');
      const { kid, outcome } = await createSigningKeys({ database, secrets }).rotate({
        drop: earlier === 'drop',
      });
      const added = outcome === 'added';
      return {
        about: {
          resourceType: 'signing-key',
          resourceId: added ? kid : null,
          detail: `${earlier}: ${outcome}`,
        },
        lines: added
          ? [`Key: ${kid}`, SAID[earlier]]
          : ['A new key is published already and has not begun to sign. Nothing was changed.'],
      };
    },
  },
};

const SAID = {
  keep: 'It is published now and signs in 15 minutes. Receivers need do nothing.',
  drop: 'It signs from now on, and earlier keys are withdrawn. Receivers that kept the key set refuse what is sent until they fetch it again, within 5 minutes; then it is sent again.',
};
