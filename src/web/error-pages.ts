import type { FastifyInstance } from 'fastify';
import { notFound, toPageError } from './page-error.ts';
import type { Pages } from './pages.ts';

/** Shows every error of the page routes as a page in plain English. Routes of the APIs have handlers of their own. */
export function setUpErrorPages(
  app: FastifyInstance,
  options: { pages: Pages; isUnavailable: (error: unknown) => boolean },
): void {
  app.setErrorHandler(async (error, request, reply) => {
    const shown = toPageError(error, options.isUnavailable);
    if (shown.status >= 500) request.log.error({ err: error }, 'a page failed');
    if (shown.retryAfterSeconds) reply.header('retry-after', String(shown.retryAfterSeconds));
    reply.code(shown.status);
    return options.pages.render(reply, 'web/error.njk', { error: shown, showReference: shown.status >= 500 });
  });
  app.setNotFoundHandler(async () => {
    throw notFound();
  });
}
