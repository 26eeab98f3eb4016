import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { AUTH_METHODS, type AuthMethod } from '../oauth/endpoints.ts';
import { narrow, parseScope, permissionsOf } from '../oauth/scopes.ts';
import { SystemError } from './system-error.ts';

export type Registration = {
  companyId: string;
  name: string;
  /** What the system is for, in the company's own words; administrators read it before they grant. */
  purpose: string;
  contactName: string;
  contactEmail: string;
  privacyNoticeUrl: string;
  scopes: string[];
  authMethod: AuthMethod;
};

/**
 * Registers a third-party system as a draft. It can do nothing, and nobody can find it, before it has been reviewed.
 * Secrets or keys come afterwards.
 * @returns the System Client ID.
 * @throws {SystemError} SYSTEM_DETAILS_INVALID, SYSTEM_SCOPES_INVALID.
 */
export async function registerSystem(
  pool: Pick<Pool, 'query'>,
  registration: Registration,
): Promise<{ clientId: string }> {
  const { companyId, scopes: asked, authMethod } = registration;
  const { name, purpose, contactName, contactEmail, privacyNoticeUrl } = tidied(registration);
  checkDetails({ name, purpose, contactName, contactEmail, privacyNoticeUrl, authMethod });
  const scopes = checkedScopes(asked);
  const clientId = randomUUID();
  await pool.query({
    name: 'systems-register',
    text: REGISTER,
    values: [
      clientId,
      companyId,
      name,
      purpose,
      contactName,
      contactEmail,
      privacyNoticeUrl,
      scopes,
      permissionsOf(scopes),
      authMethod,
    ],
  });
  return { clientId };
}

/** The scopes in canonical form. One that this service does not know is refused here, not silently left out. */
function checkedScopes(asked: string[]): string[] {
  const unknown = asked.filter((scope) => parseScope(scope) === undefined);
  if (unknown.length > 0) {
    throw new SystemError('SYSTEM_SCOPES_INVALID', `These scopes cannot be given: ${unknown.join(' ')}`);
  }
  if (asked.length === 0)
    throw new SystemError('SYSTEM_SCOPES_INVALID', 'Say which scopes the system needs.');
  return narrow(asked, asked);
}

type Details = Pick<Registration, 'name' | 'purpose' | 'contactName' | 'contactEmail' | 'privacyNoticeUrl'>;

function tidied({ name, purpose, contactName, contactEmail, privacyNoticeUrl }: Details): Details {
  const tidy = (text: string) => text.trim().normalize('NFC');
  // Names are compared by their letters, so white space that cannot be seen must not make two of them.
  const line = (text: string) => tidy(text).replaceAll(/\s+/g, ' ');
  return {
    name: line(name),
    purpose: tidy(purpose),
    contactName: line(contactName),
    contactEmail: tidy(contactEmail),
    privacyNoticeUrl: tidy(privacyNoticeUrl),
  };
}

function checkDetails({ authMethod, ...details }: Details & { authMethod: AuthMethod }) {
  const problems = [
    hasLength(details.name, 200) || 'The name must have 1 to 200 characters.',
    hasLength(details.purpose, 2000) || 'The purpose must have 1 to 2,000 characters.',
    hasLength(details.contactName, 200) || "The contact's name must have 1 to 200 characters.",
    /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/.test(details.contactEmail) || 'The contact needs an e-mail address.',
    isWebAddress(details.privacyNoticeUrl) ||
      'The privacy notice must be a web address that begins with https://.',
    AUTH_METHODS.includes(authMethod) || `The system must authenticate by ${AUTH_METHODS.join(' or ')}.`,
  ].filter((problem) => problem !== true);
  if (problems.length > 0) throw new SystemError('SYSTEM_DETAILS_INVALID', problems.join(' '));
}

// Control and direction characters could make a name look like another one.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/u;

const hasLength = (text: string, lengthMax: number) =>
  text.length > 0 && text.length <= lengthMax && !HIDDEN.test(text.replaceAll('\n', ''));

function isWebAddress(text: string) {
  return text.length <= 500 && URL.parse(text)?.protocol === 'https:';
}

const REGISTER = `
insert into system (client_id, company_id, name, purpose, contact_name, contact_email, privacy_notice_url,
                    standing, scopes, permissions, auth_method)
values ($1, $2, $3, $4, $5, $6, $7, 'draft', $8, $9, $10)`;
