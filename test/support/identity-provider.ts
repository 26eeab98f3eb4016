import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Configuration } from 'oidc-provider';
import type { Database } from '../../src/database/connect.ts';
import { createIssuer } from '../../src/demo/identity-provider/create-issuer.ts';
import { newRootId } from '../../src/ids.ts';
import type { ProviderAccess } from '../../src/sign-in/provider/ask-provider.ts';
import { setProvider } from '../../src/sign-in/provider/set-provider.ts';
import { connectIdentity } from '../../src/sign-in/provider/store.ts';
import type { PageClient } from './page-client.ts';

const SERVICE = 'http://service.test';
const KEY = Buffer.alloc(32, 7);
const CLIENT = { id: 'connected-systems', secret: 'a client secret of tests' };

/** Reaches providers on this machine, as the service never would. */
export const PLAIN: ProviderAccess = {
  fetch: (url, options) => fetch(url, options as RequestInit),
  isPlainHttp: () => true,
  baseUrl: () => SERVICE,
};

type Login = { subject: string; amr?: string[]; acr?: string } | { error: string };

/** A real OpenID Connect provider on loopback, at which whoever comes next is whoever the test says. */
export async function identityProvider(odsCode: string, overrides: Configuration = {}, service = SERVICE) {
  let login: Login = { error: 'access_denied' };
  const asked: URL[] = [];
  /** What a provider that is not what it seems says in the place of what it would. */
  const lies = new Map<string, (body: Record<string, unknown>) => unknown>();
  const server = createServer((request, response) => {
    const url = new URL(request.url!, issuer);
    if (url.pathname === '/auth') asked.push(url);
    if (url.pathname.startsWith('/login/')) return finish(request, response);
    const lie = lies.get(url.pathname);
    if (lie) lying(response, lie);
    return handle(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = createIssuer({
    issuer,
    client: { ...CLIENT, redirectUri: `${service}/sign-in/with/${odsCode}/callback` },
    personOf: (subject) => ({ subject, name: `Name of ${subject}`, login: `${subject}@there.example.org` }),
    pagePath: (uid) => `/login/${uid}`,
    overrides,
  });
  const handle = provider.callback();

  async function finish(request: IncomingMessage, response: ServerResponse) {
    const result = 'error' in login ? login : { login: { ...login, accountId: login.subject } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  return {
    odsCode,
    issuer,
    asked,
    lies,
    /** Who signs in there next, and how. */
    nextIs: (next: Login) => {
      login = next;
    },
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise((closed) => server.close(closed));
    },
  };
}

export type IdentityProvider = Awaited<ReturnType<typeof identityProvider>>;

function lying(response: ServerResponse, lie: (body: Record<string, unknown>) => unknown) {
  const end = response.end.bind(response);
  response.end = ((text: unknown) => {
    const body = JSON.stringify(lie(JSON.parse(String(text))));
    response.setHeader('content-length', Buffer.byteLength(body));
    return end(body);
  }) as typeof response.end;
}

/** As if no organisation had a sign-in of its own, and nobody were tied to one. */
export async function forgetProviders({ owner }: Database): Promise<void> {
  for (const table of ['staff_identity', 'identity_provider']) await owner.query(`delete from ${table}`);
}

/** Makes it the organisation's provider, with `amr=mfa` for a second factor. */
export async function registerProvider(
  database: Database,
  { issuer, odsCode }: Pick<IdentityProvider, 'issuer' | 'odsCode'>,
  secondFactor: { claim: 'acr' | 'amr'; values: string[] } = { claim: 'amr', values: ['mfa'] },
): Promise<string> {
  const client = await database.owner.connect();
  try {
    const details = { odsCode, issuer, clientId: CLIENT.id, clientSecret: CLIENT.secret, secondFactor };
    return (await setProvider(client, KEY, details, new Date())).provider.id;
  } finally {
    client.release();
  }
}

/** Ties a subject to the account with this e-mail address. */
export async function tie(database: Database, providerId: string, subject: string, email: string) {
  const { rows } = await database.owner.query('select id from account where email = $1', [email]);
  const who = { providerId, subject, label: null, accountId: rows[0].id, sessionHash: null };
  const made = { id: newRootId(), now: new Date(), ...who };
  const result = await connectIdentity(database.owner, made);
  if (result !== 'connected') throw new Error(result);
}

/** Begins at the service, and goes through the provider up to where it sends the browser: a path of the service. */
export async function goThrough(
  client: PageClient,
  odsCode: string,
  { query = 'next=%2Fwork', change }: { query?: string; change?: (url: URL) => void } = {},
): Promise<string> {
  const begun = await client.get(`/sign-in/with/${odsCode}?${query}`);
  let url = new URL(String(begun.headers.location), SERVICE);
  change?.(url);
  const cookies = new Map<string, string>();
  while (url.origin !== SERVICE) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const location = response.headers.get('location');
    if (!location) throw new Error(`the provider answered ${response.status}: ${await response.text()}`);
    url = new URL(location, url);
  }
  return url.pathname + url.search;
}
