import { readFile } from 'node:fs/promises';
import { DirectoryError } from '../../src/directory/directory-error.ts';
import { checkedUrl } from '../../src/oauth/fetch-jwks.ts';
import { callbackPath } from '../../src/sign-in/provider/ask-provider.ts';
import { readSecondFactor } from '../../src/sign-in/provider/second-factor.ts';
import { removeProvider, setProvider, standingProvider } from '../../src/sign-in/provider/set-provider.ts';
import { countIdentities, type Provider } from '../../src/sign-in/provider/store.ts';
import { inTransaction } from '../../src/systems/in-transaction.ts';
import { type Command, type Tools, UsageError } from './command.ts';

const ORGANISATION = { organisation: { value: 'ODS code', meaning: 'which organisation' } };

export const providerCommands: Record<string, Command> = {
  'set-identity-provider': {
    summary: "lets an organisation's staff sign in with its own OpenID Connect provider",
    options: {
      ...ORGANISATION,
      issuer: { value: 'https://…', meaning: 'its issuer, letter for letter as its own description says' },
      'client-id': { value: 'id', meaning: 'under which it knows this service' },
      'client-secret-file': { value: 'path', meaning: 'a file with the client secret, and nothing else' },
      'second-factor': {
        value: 'claim=values',
        meaning:
          'what in its ID tokens shows a second factor: amr=mfa, amr=otp,hwk or acr=urn:example:two-factor; without it nobody is let in',
      },
    },
    async run(of, { database, secrets, baseUrl }) {
      const secondFactor = readSecondFactor(of('second-factor'));
      if (!secondFactor) {
        throw new UsageError('--second-factor must be acr= or amr=, then values with commas: amr=mfa.');
      }
      const issuer = publicIssuer(of('issuer'));
      const clientSecret = await readSecret(of('client-secret-file'));
      const { provider, change, ended } = await inTransaction(database.service, (client) =>
        setProvider(
          client,
          secrets.encryptionKey,
          { odsCode: of('organisation'), issuer, clientId: of('client-id'), clientSecret, secondFactor },
          new Date(),
        ),
      );
      return {
        about: aboutProvider(provider, change),
        lines: [
          CHANGES[change],
          ...(change === 'replaced'
            ? [`${ended} people were connected with the one before: they connect anew.`]
            : []),
          ...redirectLines(provider, baseUrl),
        ],
      };
    },
  },

  'show-identity-provider': {
    summary: "shows an organisation's OpenID Connect provider, and how many people use it",
    options: ORGANISATION,
    async run(of, { database, baseUrl }) {
      const provider = await standingProvider(database.service, of('organisation'));
      const people = await countIdentities(database.service, provider.id);
      return {
        about: aboutProvider(provider),
        lines: [
          `Organisation: ${provider.organisationName} (${provider.odsCode})`,
          `Issuer: ${provider.issuer}`,
          `Client ID: ${provider.clientId}`,
          `Second factor: ${provider.secondFactorClaim}=${provider.secondFactorValues.join(',')}`,
          `Since: ${provider.createdAt.toISOString()}, last changed ${provider.changedAt.toISOString()}`,
          `Connected people: ${people}`,
          ...redirectLines(provider, baseUrl),
        ],
      };
    },
  },

  'remove-identity-provider': {
    summary: "ends an organisation's OpenID Connect provider and every session it vouched for, at once",
    options: ORGANISATION,
    async run(of, { database }) {
      const { provider, ended } = await inTransaction(database.service, (client) =>
        removeProvider(client, of('organisation'), new Date()),
      );
      return {
        about: aboutProvider(provider, 'removed'),
        lines: [`It has ended. ${ended} people were connected: they sign in with their passwords.`],
      };
    },
  },
};

const CHANGES = {
  made: 'Staff can sign in with it, once each has connected it with their account.',
  changed: 'It is changed. People who are connected stay connected.',
  replaced: 'It takes the place of the one before.',
};

const aboutProvider = ({ id, organisationId }: Provider, detail?: string) => ({
  organisationId,
  resourceType: 'identity-provider',
  resourceId: id,
  detail,
});

const redirectLines = ({ odsCode }: Provider, baseUrl: Tools['baseUrl']) => [
  `Redirect URI to register there: ${baseUrl ?? '<BASE_URL>'}${callbackPath(odsCode)}`,
];

function publicIssuer(text: string): string {
  try {
    checkedUrl(text);
  } catch (error) {
    throw new DirectoryError('DETAILS_INVALID', `The issuer cannot be used: ${(error as Error).message}.`);
  }
  return text;
}

/** From a file: what stands in a command is seen by everybody on the machine, and kept by the shell. */
async function readSecret(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${path} cannot be read (${error.code}).`);
  });
  return text.trim();
}
