import type { OpenRecord } from './open-record.ts';
import { type List, MEASURES_A_PAGE, PAGE_SIZE, readList, readMeasures, readSummary } from './read-record.ts';
import { REASONS } from './reasons.ts';
import { LISTS, type ListName, type SectionName } from './sections.ts';
import { type Reader, readBrokenGlass } from './store.ts';

/** A section as the template takes it, with how many entries it shows and which of how many pages it is. */
type Shown = { data: Record<string, unknown>; count: number; page: number; pages: number };

/** Reads a page of a section; past the end, the first. */
export async function readSection(
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
      page: 1,
      pages: 1,
    };
  }
  if (section === 'results') {
    const { measures, total } = await readMeasures(client, patientId, page);
    const count = measures.reduce((sum, { results }) => sum + results.length, 0);
    return { data: { measures, total }, count, ...placeOf(page, total, MEASURES_A_PAGE) };
  }
  const list = await readList(client, patientId, section, page);
  return {
    data: { list, groups: groupsOf(section, list), pageSize: PAGE_SIZE },
    count: list.entries.length,
    ...placeOf(page, list.total, PAGE_SIZE),
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

function placeOf(page: number, total: number, size: number) {
  const pages = Math.max(1, Math.ceil(total / size));
  return { page: page > pages ? 1 : page, pages };
}
