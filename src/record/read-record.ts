import type { Medication, Observation, Patient, Resource } from '@medplum/fhirtypes';
import { PRIVACY_LABELS } from '../connections/privacy-labels.ts';
import { type LineChart, lineChart } from './chart/line-chart.ts';
import { LISTS, type ListName, SHOWN_TYPES, SUMMARY } from './sections.ts';
import {
  type ListRow,
  type Reader,
  type ResultRow,
  readLists,
  readPerson,
  readResults,
  type SourceRow,
} from './store.ts';
import { dateText } from './views/dates.ts';
import type { EntryView } from './views/entry.ts';
import { measureName, type ResultView, resultView } from './views/observation.ts';
import { parseResource } from './views/parse-resource.ts';
import { type PatientBanner, patientBanner } from './views/patient.ts';
import { conceptText } from './views/text.ts';

/** Who wrote an entry and how it is labelled: said of every single one. */
export type Source = { supplier: string; label: string; unshared: boolean };
export type Entry = EntryView & Source & { id: string; past: boolean };
export type List = { name: ListName; entries: Entry[]; total: number; current: number };
export type Measure = {
  name: string;
  total: number;
  results: (ResultView & Source)[];
  chart: LineChart | null;
};

export const PAGE_SIZE = 20;
export const MEASURES_A_PAGE = 8;
const SUMMARY_EACH = 10;
const RESULTS_EACH = 60;

/**
 * What the patient lets the reader's organisation see of others' entries: 'some', or nothing, when there is its 'own' part
 * of the record or 'none' at all.
 */
export type Sharing = 'some' | 'own' | 'none';
export type Whose = PatientBanner & { sharing: Sharing };

/** Whose record it is; null when the reader may not know of the patient. */
export async function readBanner(client: Reader, patientId: string, now: Date): Promise<Whose | null> {
  const row = await readPerson(client, patientId, SHOWN_TYPES);
  if (!row) return null;
  const known = { birthDate: row.birth_date, deceased: row.deceased };
  const banner = patientBanner(row.content ? parseResource<Patient>(row.content) : null, known, now);
  return { ...banner, sharing: row.empty ? 'none' : row.unshared ? 'own' : 'some' };
}

/** One list of the record, a page of it; past the end, the first page. */
export async function readList(
  client: Reader,
  patientId: string,
  name: ListName,
  page: number,
): Promise<List> {
  const { types, groups } = LISTS[name];
  const read = (offset: number) =>
    readLists(client, patientId, {
      types,
      lists: types.map(() => name),
      grouped: groups !== null,
      currentOnly: false,
      offset,
      limit: PAGE_SIZE,
    });
  let rows = await read((page - 1) * PAGE_SIZE);
  if (rows.length === 0 && page > 1) rows = await read(0);
  return listOf(name, rows);
}

/** The beginning of each list that matters first: what is current, or what there is. */
export async function readSummary(client: Reader, patientId: string): Promise<List[]> {
  const rows = await readLists(client, patientId, {
    types: SUMMARY.flatMap((name) => LISTS[name].types),
    lists: SUMMARY.flatMap((name) => LISTS[name].types.map(() => name)),
    grouped: true,
    currentOnly: true,
    offset: 0,
    limit: SUMMARY_EACH,
  });
  return SUMMARY.map((name) => {
    const list = listOf(
      name,
      rows.filter((row) => row.list === name),
    );
    return { ...list, entries: list.entries.filter(({ past }) => !past) };
  });
}

/** Results by what was measured, each with a chart where one can be drawn. */
export async function readMeasures(
  client: Reader,
  patientId: string,
  page: number,
): Promise<{ measures: Measure[]; total: number }> {
  const read = (offset: number) =>
    readResults(client, patientId, { offset, measures: MEASURES_A_PAGE, each: RESULTS_EACH });
  let rows = await read((page - 1) * MEASURES_A_PAGE);
  if (rows.length === 0 && page > 1) rows = await read(0);
  return {
    measures: [...Map.groupBy(rows, ({ key }) => key).values()].map(measureOf),
    total: rows[0]?.measures ?? 0,
  };
}

function measureOf(rows: ResultRow[]): Measure {
  const observations = rows.map((row) => parseResource<Observation>(row.content));
  const results = rows.map((row, n) => ({ ...resultView(observations[n]!), ...sourceOf(row) }));
  const name = measureName(observations[0]!);
  return { name, total: rows[0]!.total, results, chart: lineChart(name, results) };
}

function listOf(name: ListName, rows: ListRow[]): List {
  return {
    name,
    entries: rows.map((row) => ({
      ...withBeside(LISTS[name].view(resourceOf(row)), row),
      ...sourceOf(row),
      id: row.id,
      past: row.past,
    })),
    total: rows[0]?.total ?? 0,
    current: rows[0]?.current ?? 0,
  };
}

/** The resource, with the name of the Medication it refers to where its own words have none. */
function resourceOf({ content, medication }: ListRow): Resource {
  const resource = parseResource<Resource>(content);
  const reference = (resource as { medicationReference?: { display?: string } }).medicationReference;
  if (medication && reference)
    reference.display ??= conceptText(parseResource<Medication>(medication).code) || undefined;
  return resource;
}

/** What the service knows of a letter beside the document. */
function withBeside(view: EntryView, row: ListRow): EntryView {
  if (!row.visible_from) return view;
  const said = (name: string, at: Date | null) => ({
    name,
    text: at ? dateText(at.toISOString()) : 'not yet',
  });
  const details = [
    ...view.details,
    row.hidden
      ? said('The patient is shown it', row.visible_from)
      : said('First opened by the patient', row.first_read_at),
  ];
  return {
    ...view,
    details,
    status: row.replaced ? { text: 'Replaced by a newer one', tone: 'grey' } : view.status,
  };
}

export const sourceOf = ({ organisation, label, unshared }: SourceRow): Source => ({
  supplier: organisation,
  label: PRIVACY_LABELS[label]?.name ?? '',
  unshared,
});
