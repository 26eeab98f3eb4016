import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import type { Web } from '../web/index.ts';
import { frameData } from './frame-data.ts';
import { openLetter, sendAttachment } from './open-letter.ts';
import { type OpenRecord, parameters } from './open-record.ts';
import { readBanner } from './read-record.ts';
import { readSection } from './read-section.ts';
import { LISTS, SECTIONS, type SectionName, sectionOf, typeOf } from './sections.ts';

type RecordPages = {
  /** Where the record stands: '/record' or '/my/record'. */
  path: string;
  pages: Web['pages'];
  onRequest: onRequestHookHandler;
  /** The record of this request. Throws a PageError when there is none to show. */
  open: (request: FastifyRequest) => Promise<OpenRecord>;
  now: () => Date;
  /** Where this service answers. */
  baseUrl: () => string;
};

/**
 * The pages of one patient's record: `{path}?section=…&page=…`, `{path}/letter?id=…` and `{path}/letter/file?id=…&n=…`.
 * Whoever reads it, staff or patient, sees the same parts through a lock of their own.
 */
export function recordPages(app: FastifyInstance, needs: RecordPages): void {
  const { path, pages, onRequest, open, now } = needs;
  app.get(path, { onRequest }, async (request, reply) => {
    const record = await open(request);
    const asked = request.query as Record<string, unknown>;
    const section = sectionOf(asked.section, record.without);
    const seen = await record.read(async (client) => {
      const banner = await readBanner(client, record.patientId, now());
      if (!banner) return null;
      const closed = banner.sharing === 'none' && !record.glass?.().until;
      const shown = closed ? null : await readSection(client, record, section, pageOf(asked.page));
      return { banner, shown };
    });
    await record.record({
      section,
      outcome: seen ? 'allowed' : 'not-found',
      status: seen ? 200 : 404,
      resourceType: typeOf(section),
      resourceId: null,
      count: seen?.shown?.count ?? 0,
    });
    if (!seen) {
      reply.code(404);
      return pages.render(reply, 'record/unavailable.njk', { own: record.own ?? false });
    }
    const { banner, shown } = seen;
    if (!shown) return pages.render(reply, 'record/not-shared.njk', frameData(record, banner));
    const href = (to: SectionName) => `${path}?${parameters({ section: to, ...record.kept })}`;
    const letterHref = (id: string) => `${path}/letter?${parameters({ id, ...record.kept })}`;
    return pages.render(reply, 'record/record.njk', {
      ...frameData(record, banner),
      ...shown.data,
      section,
      sectionTitle: SECTIONS.find(({ name }) => name === section)!.title,
      sectionTabs: SECTIONS.filter(({ name }) => !record.without?.includes(name)).map(({ name, title }) => ({
        title,
        href: href(name),
        current: name === section,
      })),
      page: shown.page,
      pageCount: shown.pages,
      hrefs: Object.fromEntries(SECTIONS.map(({ name }) => [name, href(name)])),
      letterHref: record.letterPath ?? letterHref,
      listTexts: LISTS,
    });
  });

  openLetter(app, needs);
  sendAttachment(app, needs);
}

function pageOf(page: unknown): number {
  const number = Number(page);
  return Number.isSafeInteger(number) && number > 0 && number < 100_000 ? number : 1;
}
