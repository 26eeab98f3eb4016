import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import type { FastifyInstance } from 'fastify';
import { loadAssets, serveAssets } from './assets.ts';
import { createCsrf } from './csrf.ts';
import { setUpErrorPages } from './error-pages.ts';
import { createFlash } from './flash.ts';
import { createPages, type NavigationItem } from './pages.ts';
import { setUpSecurityHeaders } from './security-headers.ts';
import type { Viewer } from './viewer.ts';

type WebOptions = {
  serviceName?: string;
  cookieKey: Buffer;
  /** True when people reach the service by https: cookies are then Secure with the __Host- prefix, HSTS is on. */
  secure: boolean;
  navigation: (viewer: Viewer) => NavigationItem[];
  isUnavailable: (error: unknown) => boolean;
};

const FORM_BYTES_MAX = 64 * 1024;

/**
 * Makes `app` (the encapsulated scope of all page routes, not the APIs') a place for pages: headers, cookies,
 * forms with their forgery check, assets, error pages. Call it before the rooms add their routes.
 * A sign-in room sets `request.viewer` in an onRequest hook, so that it is known before the forgery check.
 */
export async function setUpWeb(app: FastifyInstance, options: WebOptions) {
  const assets = loadAssets();
  const csrf = createCsrf(options);
  const flash = createFlash(options);
  const pages = createPages({
    serviceName: options.serviceName ?? 'Connected Systems',
    assetPath: assets.path,
    csrf,
    takeFlash: flash.take,
    navigation: options.navigation,
  });

  await setUpSecurityHeaders(app, options);
  await app.register(cookie);
  await app.register(formbody, { bodyLimit: FORM_BYTES_MAX });
  app.decorateRequest('viewer', null);
  app.addHook('preHandler', csrf.check);
  setUpErrorPages(app, { pages, isUnavailable: options.isUnavailable });
  serveAssets(app, assets);

  return { pages, flash: flash.set };
}

export type Web = Awaited<ReturnType<typeof setUpWeb>>;
