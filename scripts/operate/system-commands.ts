import { companyNamed } from '../../src/directory/company-named.ts';
import { AUTH_METHODS, type AuthMethod } from '../../src/oauth/endpoints.ts';
import {
  approveSystem,
  resumeSystem,
  submitForReview,
  suspendSystem,
} from '../../src/systems/change-standing.ts';
import { inTransaction } from '../../src/systems/in-transaction.ts';
import { registerSystem } from '../../src/systems/register-system.ts';
import { SystemError } from '../../src/systems/system-error.ts';
import type { Command, Tools } from './command.ts';

export const CLIENT_ID = { 'client-id': { value: 'id', meaning: 'the System Client ID' } };

export const systemCommands: Record<string, Command> = {
  'add-system': {
    summary: "registers a company's system as a draft",
    options: {
      company: { value: 'name', meaning: 'who makes it; a company of that name is used again' },
      name: { value: 'name', meaning: 'what the system is called' },
      purpose: {
        value: 'text',
        meaning: 'what it is for, in words that administrators read before they grant',
      },
      'contact-name': { value: 'name', meaning: 'whom to ask about it' },
      'contact-email': { value: 'e-mail', meaning: 'and where' },
      'privacy-notice-url': { value: 'https://…', meaning: 'its privacy notice' },
      scopes: { value: '"scope scope …"', meaning: 'all that it may ever ask for, with spaces between' },
      'auth-method': { value: 'method', meaning: AUTH_METHODS.join(' or ') },
    },
    async run(of, { database }) {
      const authMethod = of('auth-method') as AuthMethod; // checked by registerSystem
      // In one transaction, so that a registration that is refused leaves no company behind.
      const { clientId } = await inTransaction(database.service, async (client) =>
        registerSystem(client, {
          companyId: await companyNamed(client, of('company')),
          name: of('name'),
          purpose: of('purpose'),
          contactName: of('contact-name'),
          contactEmail: of('contact-email'),
          privacyNoticeUrl: of('privacy-notice-url'),
          scopes: of('scopes').split(/\s+/).filter(Boolean),
          authMethod,
        }),
      );
      const how = authMethod === 'private_key_jwt' ? 'upload-keys or set-keys-url' : 'add-secret';
      return {
        about: { clientId },
        lines: [`Client ID: ${clientId}`, `It is a draft. Next: ${how}, then approve-system.`],
      };
    },
  },

  'approve-system': {
    summary: 'makes a draft live: administrators can find it, and it can get tokens',
    options: CLIENT_ID,
    run: changing('The system is live.', async (pool, clientId) => {
      await inTransaction(pool, async (client) => {
        await submitForReview(client, clientId).catch((error) => {
          // One that waits for review already needs no submitting; of any other standing approving speaks.
          if (!(error instanceof SystemError && error.code === 'SYSTEM_STANDING_OTHER')) throw error;
        });
        await approveSystem(client, clientId);
      });
    }),
  },

  'suspend-system': {
    summary: 'stops a system everywhere at once; its connections stay',
    options: CLIENT_ID,
    run: changing('The system is suspended: every call of it is refused from now on.', suspendSystem),
  },

  'resume-system': {
    summary: 'lets a suspended system go on with the connections it has',
    options: CLIENT_ID,
    run: changing('The system is live again.', resumeSystem),
  },
};

type Act = (pool: Tools['database']['service'], clientId: string) => Promise<void>;

function changing(said: string, act: Act): Command['run'] {
  return async (of, { database }) => {
    const clientId = of('client-id');
    await act(database.service, clientId);
    return { about: { clientId }, lines: [said] };
  };
}
