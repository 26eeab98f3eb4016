import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import type { Web } from '../web/index.ts';
import { openLetter, sendAttachment } from './open-letter.ts';
import { type OpenRecord, parameters } from './open-record.ts';
import {
  type List,
  MEASURES_A_PAGE,
  PAGE_SIZE,
  readBanner,
  readList,
  readMeasures,
  readSummary,
} from './read-record.ts';
import { REASONS } from './reasons.ts';
import { LISTS, type ListName, SECTIONS, type SectionName, sectionOf } from './sections.ts';
import { type Reader, readBrokenGlass } from './store.ts';

type RecordPages = {
  /** Where the record stands: '/record' or '/my/record'. */
  path: string;
  pages: Web['pages'];
  onRequest: onRequestHookHandler;
  /** The record of this request. Throws a PageError when there is none to show. */
  open: (request: FastifyRequest) => Promise<OpenRecord>;
  now: () => Date;
};

/**
 * The pages of one patient's record: `{path}?section=…&page=…`, `{path}/letter?id=…` and `{path}/letter/file?id=…&n=…`.
 * Whoever reads it, staff or patient, sees the same parts through a lock of their own.
 */
export function recordPages(app: FastifyInstance, { path, pages, onRequest, open, now }: RecordPages): void {
  app.get(path, { onRequest }, async (request, reply) => {
    const record = await open(request);
    const asked = request.query as Record<string, unknown>;
    const section = sectionOf(asked.section);
    const page = pageOf(asked.page);
    const found = await record.read(async (client) => {
      const banner = await readBanner(client, record.patientId, now());
      return banner && { banner, shown: await readSection(client, record, section, page) };
    });
    const seen = found ?? null;
    const count = seen ? seen.shown.count : 0;
    await record.record({
      section,
      outcome: seen ? 'allowed' : 'not-found',
      status: seen ? 200 : 404,
      resourceType: typeOf(section),
      resourceId: null,
      count,
    });
    if (!seen) {
      reply.code(404);
      return pages.render(reply, 'record/unavailable.njk');
    }
    const href = (to: SectionName) => `${path}?${parameters({ section: to, ...record.kept })}`;
    return pages.render(reply, 'record/record.njk', {
      ...seen.shown.data,
      section,
      page: Math.min(page, seen.shown.pages),
      pageCount: seen.shown.pages,
      banner: seen.banner,
      own: record.own ?? false,
      ...(record.locked && { navigation: [] }),
      glass: record.glass?.() ?? { until: null, mayBreak: false },
      kept: record.kept ?? {},
      path,
      sectionTabs: tabsOf(record).map(({ name, title }) => ({
        title,
        href: href(name),
        current: name === section,
      })),
      sectionTitle: SECTIONS.find(({ name }) => name === section)!.title,
      hrefs: Object.fromEntries(SECTIONS.map(({ name }) => [name, href(name)])),
      letterHref:
        record.letterPath ?? ((id: string) => `${path}/letter?${parameters({ id, ...record.kept })}`),
      listTexts: LISTS,
    });
  });

  openLetter(app, { path, pages, onRequest, open, now });
  sendAttachment(app, { path, onRequest, open });
}

type Shown = { data: Record<string, unknown>; count: number; pages: number };

async function readSection(
  client: Reader,
  record: OpenRecord,
  section: SectionName,
  page: number,
): Promise<Shown> {
  const { patientId } = record;
  if (section === 'summary') {
    const lists = await readSummary(client, patientId);
    const broken = record.own ? await readBrokenGlass(client, patientId) : [];
    const brokenGlass = broken.map((glass) => ({ ...glass, reasonText: REASONS[glass.reason] }));
    return {
      data: { lists, brokenGlass },
      count: lists.reduce((sum, { entries }) => sum + entries.length, 0),
      pages: 1,
    };
  }
  if (section === 'results') {
    const { measures, total } = await readMeasures(client, patientId, page);
    const count = measures.reduce((sum, { results }) => sum + results.length, 0);
    return { data: { measures, total }, count, pages: pagesFor(total, MEASURES_A_PAGE) };
  }
  const list = await readList(client, patientId, section, page);
  return {
    data: { list, groups: groupsOf(section, list), pageSize: PAGE_SIZE },
    count: list.entries.length,
    pages: pagesFor(list.total, PAGE_SIZE),
  };
}

/** The entries of a list under its headings, an empty heading left out. */
function groupsOf(name: ListName, { entries }: List) {
  const { groups } = LISTS[name];
  return groups
    ? [
        { heading: groups.current, entries: entries.filter(({ past }) => !past) },
        { heading: groups.past, entries: entries.filter(({ past }) => past) },
      ].filter((group) => group.entries.length > 0)
    : [];
}

const pagesFor = (total: number, size: number) => Math.max(1, Math.ceil(total / size));

const tabsOf = ({ without = [] }: OpenRecord) => SECTIONS.filter(({ name }) => !without.includes(name));

/** The kind of record that a section is of, where it is of one. */
function typeOf(section: SectionName): string | null {
  if (section === 'results') return 'Observation';
  if (section === 'summary') return null;
  const { types } = LISTS[section];
  return types.length === 1 ? types[0]! : null;
}

function pageOf(page: unknown): number {
  const number = Number(page);
  return Number.isSafeInteger(number) && number > 0 && number < 100_000 ? number : 1;
}
