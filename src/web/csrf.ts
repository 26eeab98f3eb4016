import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PageError } from './page-error.ts';
import { createSigner, sameText } from './signed.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Cross-site request forgery: a synchroniser token in every form, and the browser's own word on where the
 * request came from. Signed-in people use the token of their session; for forms shown before sign-in a signed
 * cookie stands in for the session, so that a sign-in cannot be forged either (login CSRF).
 */
export function createCsrf(options: { cookieKey: Buffer; secure: boolean }) {
  const cookieSigner = createSigner(options.cookieKey, 'form-cookie');
  const tokenSigner = createSigner(options.cookieKey, 'form-token');
  const cookieName = options.secure ? '__Host-form' : 'form';

  function token(request: FastifyRequest, reply: FastifyReply): string {
    if (request.viewer) return request.viewer.csrf;
    let seed = cookieSigner.open(request.cookies?.[cookieName]);
    if (!seed) {
      seed = randomBytes(32).toString('base64url');
      reply.setCookie(cookieName, cookieSigner.sign(seed), {
        path: '/',
        httpOnly: true,
        sameSite: 'lax',
        secure: options.secure,
      });
    }
    return tokenSigner.mac(seed);
  }

  function expected(request: FastifyRequest): string | null {
    if (request.viewer) return request.viewer.csrf;
    const seed = cookieSigner.open(request.cookies?.[cookieName]);
    return seed && tokenSigner.mac(seed);
  }

  /** A preHandler for every form: throws a page error unless the request came from a form of ours. */
  async function check(request: FastifyRequest): Promise<void> {
    // Where there is no page nothing is done, and a system that posts to a wrong address is to be told that.
    if (SAFE_METHODS.has(request.method) || request.is404) return;
    if (!fromOurPages(request)) throw staleForm();
    const sent = (request.body as Record<string, unknown> | null | undefined)?._csrf;
    const wanted = expected(request);
    if (typeof sent !== 'string' || !wanted || !sameText(sent, wanted)) throw staleForm();
  }

  return { token, check };
}

/**
 * Sec-Fetch-Site cannot be set by a page's script. Where a browser does not send it, Origin must be ours;
 * `null` is what browsers send from pages with `Referrer-Policy: no-referrer`, and then the token decides.
 */
function fromOurPages(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = request.headers.origin;
  if (origin === undefined || origin === 'null') return true;
  return URL.canParse(origin) && new URL(origin).host === request.host;
}

function staleForm(): PageError {
  return new PageError({
    status: 403,
    code: 'form-expired',
    title: 'This form can no longer be used',
    message:
      'You may have signed in or out in another tab, or the page was open for a long time. Nothing was changed.',
    whatToDo: 'Go back, reload the page and send the form again.',
  });
}

export type Csrf = ReturnType<typeof createCsrf>;
