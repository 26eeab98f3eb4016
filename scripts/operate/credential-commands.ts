import { readFile } from 'node:fs/promises';
import { isUuid } from '../../src/ids.ts';
import { setKeysUrl, uploadKeys } from '../../src/systems/keys.ts';
import { addSecret, endSecret } from '../../src/systems/secrets.ts';
import { type Command, UsageError } from './command.ts';
import { CLIENT_ID } from './system-commands.ts';

export const credentialCommands: Record<string, Command> = {
  'add-secret': {
    summary: 'makes a further secret for a system, shown once; two may be live at a time',
    options: {
      ...CLIENT_ID,
      'expires-at': {
        value: 'time',
        meaning: 'when it ends by itself, such as 2027-01-31T12:00:00Z',
        optional: true,
      },
    },
    async run(of, { database, secrets }) {
      const clientId = of('client-id');
      const expiresAt = of('expires-at') ? timeOf(of('expires-at')) : null;
      const { secretId, secret } = await addSecret(database.service, secrets.pepper, { clientId, expiresAt });
      return {
        about: { clientId, resourceType: 'secret', resourceId: secretId },
        lines: [
          `Secret ID: ${secretId}`,
          `Secret: ${secret}`,
          'The secret is shown this once. Its ID is what end-secret takes: keep it.',
        ],
      };
    },
  },

  'end-secret': {
    summary: 'ends a secret for good, at once',
    options: { ...CLIENT_ID, 'secret-id': { value: 'id', meaning: 'which one, as add-secret said' } },
    async run(of, { database }) {
      const [clientId, secretId] = [of('client-id'), of('secret-id').toLowerCase()];
      if (!isUuid(secretId)) throw new UsageError('--secret-id must be an ID as add-secret prints it.');
      await endSecret(database.service, { clientId, secretId });
      return {
        about: { clientId, resourceType: 'secret', resourceId: secretId },
        lines: ['The secret has ended.'],
      };
    },
  },

  'upload-keys': {
    summary: "puts a JSON Web Key Set in the place of a system's keys",
    options: { ...CLIENT_ID, file: { value: 'path', meaning: 'the key set: public keys, each with a kid' } },
    async run(of, { database }) {
      const clientId = of('client-id');
      const jwks = await readJson(of('file'));
      const { kids } = await uploadKeys(database.service, { clientId, jwks });
      return { about: { clientId }, lines: [`Keys in use: ${kids.join(', ')}`] };
    },
  },

  'set-keys-url': {
    summary: "lets a system's keys be fetched from its vendor",
    options: { ...CLIENT_ID, url: { value: 'https://…', meaning: 'where the key set is' } },
    async run(of, { database }) {
      const clientId = of('client-id');
      await setKeysUrl(database.service, { clientId, url: of('url') });
      return {
        about: { clientId },
        lines: ['The keys will be fetched from there when the system next calls.'],
      };
    },
  },
};

function timeOf(text: string): Date {
  // With a time and its zone, so that nobody has to guess which day's end was meant.
  const at = /^\d{4}-\d{2}-\d{2}T.+(Z|[+-]\d{2}:\d{2})$/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (!(at.getTime() > Date.now())) {
    throw new UsageError('--expires-at must be a time to come with its zone, such as 2027-01-31T12:00:00Z.');
  }
  return at;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${path} cannot be read (${error.code}).`);
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${path} is no JSON.`);
  }
}
