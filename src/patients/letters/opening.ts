import type { FastifyRequest } from 'fastify';
import { PageError } from '../../web/index.ts';

/**
 * Whether a person is opening this, which is what a receipt says. A browser that fetches ahead of a click says so
 * (Sec-Purpose; Fetch Standard), and is turned away: what it kept could be shown later without our knowing.
 * @returns false for HEAD, which shows nobody anything.
 */
export function isOpening(request: FastifyRequest): boolean {
  const purpose = `${request.headers['sec-purpose'] ?? ''} ${request.headers.purpose ?? ''} ${request.headers['x-moz'] ?? ''}`;
  if (/prefetch|prerender|preview/i.test(purpose)) {
    throw new PageError({
      status: 503,
      code: 'not-ahead',
      title: 'Letters are not fetched ahead',
      message: 'Open the letter to read it.',
      retryAfterSeconds: 1,
    });
  }
  return request.method === 'GET';
}
