import { profileOf } from '../../src/systmone/configuration.ts';
import { configurationByKey } from '../../src/systmone/configuration-store.ts';
import type { LaunchFields } from '../../src/systmone/profiles/index.ts';
import type { TestDatabase } from './database.ts';
import type { LaunchApp } from './launch-app.ts';
import { PATIENT } from './launch-app.ts';
import type { PageClient } from './page-client.ts';
import { PASSWORD } from './sign-in-app.ts';

export const HOME = '/connected-systems/systmone';

/** The set-up form as it stands at first. */
export const SET_UP = {
  profile: 'fields',
  cipher: 'aes-256-cbc',
  encoding: 'hex',
  birthDate: 'yes',
  practices: 'ZX1',
  landing: 'summary',
};

/** Makes a link by the pages; answers the page that follows, the URL prefix on it and the configuration's id. */
export async function setUpLink(client: PageClient, changes: Record<string, string> = {}) {
  const page = await client.get(`${HOME}/new`);
  const form = /name="form" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  const made = await client.post(`${HOME}/new`, { ...SET_UP, form, ...changes });
  const prefix = copyableValue(made.body, 'url-prefix');
  return { made, prefix, form, keyId: /launch\/([\w-]{22})/.exec(prefix)?.[1] ?? '' };
}

export type LinkFields = Partial<LaunchFields>;

/** Writes links of a configuration as the clinical system would. */
export async function linkWriter(app: LaunchApp, db: TestDatabase, keyId: string) {
  const configuration = await configurationByKey(db.database.service, keyId);
  if (!configuration) throw new Error('no such configuration');
  const profile = profileOf(configuration, app.context.secrets.encryptionKey);
  return (fields: LinkFields = {}): string =>
    `/systmone/launch/${keyId}?${profile.encode({
      organisation: 'ZX1',
      userName: 'psmith0101',
      role: null,
      notBefore: null,
      expires: null,
      serviceId: null,
      ...PATIENT,
      ...fields,
    })}`;
}

export const CONNECT = '/systmone/connect';

/** Follows a first launch: signs in on the page it leads to, connects, and answers the page after. */
export async function connectBySigningIn(client: PageClient, link: string, email: string) {
  const launched = await client.get(link);
  if (launched.headers.location !== CONNECT) throw new Error(`led to ${launched.headers.location}`);
  await client.get(CONNECT);
  const signedIn = await client.post('/sign-in', { email, password: PASSWORD, next: CONNECT });
  if (signedIn.headers.location !== CONNECT) throw new Error(`sign-in led to ${signedIn.headers.location}`);
  await client.get(CONNECT);
  return client.post(CONNECT);
}

/** What a page offers to copy under this id. */
export const copyableValue = (html: string, id: string): string =>
  new RegExp(`id="${id}"[^>]*>([^<]+)<`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
