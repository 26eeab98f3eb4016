import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { notFound, type Pages } from '../web/index.ts';
import { loadGuides } from './guides.ts';

/** /help: the guides of docs/ as pages. Open to all: they hold nothing that is not in the repository. */
export function helpRoutes(app: FastifyInstance, pages: Pages): void {
  const { bySlug, groups, pictures } = loadGuides();

  app.get('/help', (_request, reply) => pages.render(reply, 'help/index.njk', { groups }));

  app.get<{ Params: { slug: string } }>('/help/:slug', (request, reply) => {
    const guide = bySlug.get(request.params.slug);
    if (!guide) throw notFound();
    const others = groups.find(({ name }) => name === guide.group)!.guides.filter((other) => other !== guide);
    return pages.render(reply, 'help/guide.njk', { guide, others });
  });

  app.get<{ Params: { name: string } }>('/help/pictures/:name', async (request, reply) => {
    const picture = pictures.get(request.params.name);
    if (!picture) throw notFound();
    reply.header('cache-control', 'public, max-age=3600').type('image/png');
    return reply.send(await readFile(picture.path));
  });
}
