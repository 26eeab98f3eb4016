import type { FastifyReply } from 'fastify';
import type { Pages } from '../../web/index.ts';
import type { Standing } from './standing.ts';

/** Why somebody cannot join, or not like this: each has help of its own. */
export type Cannot = Exclude<Standing, 'open'> | 'under-16' | 'not-possible' | 'link-unusable';

/** Says so on a page of its own, with what to do. 410 for what was good once, 403 for who may not. */
export function showCannot(pages: Pages, reply: FastifyReply, why: Cannot): FastifyReply {
  return pages.render(reply.code(statusOf(why)), 'patients/join/cannot.njk', { why });
}

export const statusOf = (why: Cannot): number => (why === 'under-16' || why === 'not-possible' ? 403 : 410);
