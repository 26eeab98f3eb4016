import type { FastifyInstance } from 'fastify';
import type Provider from 'oidc-provider';
import { callbackPath, type ProviderAccess } from '../../sign-in/provider/ask-provider.ts';
import type { Pages } from '../../web/index.ts';
import type { World } from '../world.ts';
import { createIssuer } from './create-issuer.ts';
import { demoSignIn, issuerAt, PATH } from './people.ts';
import { signInPage } from './sign-in-page.ts';

/**
 * The sign-in of one demo organisation: a real OpenID Connect provider under this service's own address, on which
 * anybody says who they are. Only where DEMO is on and the demo world is there; production refuses to start with it.
 */
export function createDemoIdentityProvider(app: FastifyInstance, world: World, baseUrl: () => string) {
  const { organisation, client, people } = demoSignIn(world);
  const issuer = () => issuerAt(baseUrl());
  // Made on first use: the address, which everything names, is known once the server listens.
  let made: Provider | undefined;
  const provider = () => {
    made ??= createIssuer({
      issuer: issuer(),
      client: { ...client, redirectUri: baseUrl() + callbackPath(organisation.odsCode) },
      personOf: (subject) => people.find((person) => person.subject === subject),
      pagePath: (uid) => `/demo/organisation-sign-in/${uid}`,
    });
    return made;
  };

  app.register(async (scope) => {
    // The provider reads bodies itself.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.route({
      method: ['GET', 'POST', 'OPTIONS'],
      url: `${PATH}/*`,
      handler(request, reply) {
        const { host, protocol } = new URL(issuer());
        reply.hijack();
        const { raw } = request;
        Object.assign(raw, { originalUrl: raw.url, url: raw.url?.slice(PATH.length) });
        Object.assign(raw.headers, { host, 'x-forwarded-proto': protocol.slice(0, -1) });
        provider().callback()(raw, reply.raw);
      },
    });
  });

  const isOwn = (address: string) => address === issuer() || address.startsWith(`${issuer()}/`);

  return {
    /** Reaches this provider within the process, and every other one by `fetch`. */
    access: (fetch: ProviderAccess['fetch']): ProviderAccess => ({
      baseUrl,
      isPlainHttp: isOwn,
      fetch: (address, options) => (isOwn(address) ? ask(app, address, options) : fetch(address, options)),
    }),
    pages: (scope: FastifyInstance, pages: Pages) =>
      signInPage(scope, pages, { provider, organisation, people }),
  };
}

export type DemoIdentityProvider = ReturnType<typeof createDemoIdentityProvider>;

async function ask(
  app: FastifyInstance,
  address: string,
  options: Parameters<ProviderAccess['fetch']>[1],
): Promise<Response> {
  const url = new URL(address);
  const answer = await app.inject({
    method: options.method as 'GET' | 'POST',
    url: url.pathname + url.search,
    headers: options.headers,
    ...(options.body && { payload: String(options.body) }),
  });
  return new Response(answer.body, {
    status: answer.statusCode,
    headers: { 'content-type': String(answer.headers['content-type']) },
  });
}
