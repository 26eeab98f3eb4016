import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Csrf } from './csrf.ts';
import type { Flash } from './flash.ts';
import { createTemplates } from './templates.ts';
import { type Viewer, viewerOf } from './viewer.ts';

export type NavigationItem = { text: string; href: string };

type PagesOptions = {
  serviceName: string;
  assetPath: string;
  csrf: Csrf;
  takeFlash: (request: FastifyRequest, reply: FastifyReply) => Flash | null;
  /** The links in the header for this person. */
  navigation: (viewer: Viewer) => NavigationItem[];
};

/**
 * Renders pages inside the common frame. `render(reply, 'connections/list.njk', data)` renders
 * src/connections/pages/list.njk with `data` and, beside it: viewer, csrf, flash, query, path, requestId.
 */
export function createPages(options: PagesOptions) {
  const templates = createTemplates({ serviceName: options.serviceName, assetPath: options.assetPath });
  return {
    render(reply: FastifyReply, template: string, data: Record<string, unknown> = {}): FastifyReply {
      const request = reply.request;
      const viewer = viewerOf(request);
      const path = request.url.split('?', 1)[0] ?? '/';
      const html = templates.render(template, {
        viewer,
        path,
        query: request.query,
        requestId: request.id,
        csrf: options.csrf.token(request, reply),
        flash: options.takeFlash(request, reply),
        navigation: viewer ? withCurrent(options.navigation(viewer), path) : [],
        ...data,
      });
      return reply.type('text/html; charset=utf-8').send(html);
    },
    warm: () => templates.warm(),
  };
}

export type Pages = ReturnType<typeof createPages>;

function withCurrent(items: NavigationItem[], path: string) {
  return items.map((item) => ({
    ...item,
    current: path === item.href,
    active: path.startsWith(`${item.href}/`),
  }));
}
