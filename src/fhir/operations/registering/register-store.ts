import { DECISION, type DecisionRow } from '../../store/purview.ts';
import type { Query } from '../../store/query.ts';
import type { Row } from '../../store/row.ts';
import type { Identity } from '../../store/write.ts';

/** Whoever decides: the SQL of the decision, which takes `$1` to `$3`, and those values. */
export type Decider = { name: string; sql: string; values: readonly unknown[] };

export type RegisterRow = {
  row: Row;
  identity: Identity & { birthDate: string };
  label: number;
  teams: readonly string[];
};

/** What came of a row that was not simply created. `n` is its place, from 1. */
export type Known = {
  n: number;
  outcome: string;
  patientId: string | null;
  version: number | null;
  content: string | null;
  teamAdded: boolean;
};

export type Registered = DecisionRow & { created: number[] | null; others: Known[] | null };

/** Registers all rows, in a statement with its decision. Lists travel as plain text, however many rows there are. */
export async function registerPatients(
  query: Query,
  decider: Decider,
  rows: readonly RegisterRow[],
): Promise<Registered> {
  const [registered] = await query<Registered>(`register-${decider.name}`, registerSql(decider.sql), [
    ...decider.values,
    list(rows.map(({ row }) => row.id)),
    list(rows.map(({ identity }) => identity.birthDate)),
    list(rows.map(({ identity }) => identity.deceased)),
    list(rows.map(({ label }) => label)),
    ...identifierLists(rows),
    ...flat(rows, ({ teams }) => teams),
    ...columns(rows.map(({ row }) => row)),
  ]);
  if (!registered) throw new Error('a statement came back without its decision');
  return registered;
}

const texts = (place: number) => `string_to_array($${place}, chr(4), chr(5))`;

const registerSql = (decide: string) => `
select ${DECISION}, x.created, x.others
  from ${decide} d
  left join lateral (
    select json_agg(r.n) filter (where r.outcome = 'created') as created,
           json_agg(json_build_object('n', r.n, 'outcome', r.outcome, 'patientId', r.patient_id, 'version', r.version,
                                      'content', r.content, 'teamAdded', r.team_added))
             filter (where r.outcome <> 'created') as others
      from (select 1 where d.outcome = 'allowed' offset 0) go,
           fhir_register_patients($4, $5, $6, $7, $8, ${texts(9)}, ${texts(10)}, $11, ${texts(12)}, $13, $14,
                                  ${[15, 16, 17, 18, 19, 20].map(texts).join(', ')}) r
    offset 0) x on true`;

export type Update = { row: Row; version: number; deceased: boolean };

/** Brings Patient resources up to date; all of them or, when others changed one meanwhile, none that counts. */
export async function updatePatients(query: Query, decider: Decider, updates: readonly Update[]) {
  const [done] = await query<DecisionRow & { changed: number | null }>(
    `register-update-${decider.name}`,
    updateSql(decider.sql),
    [
      ...decider.values,
      list(updates.map(({ row }) => row.id)),
      list(updates.map(({ version }) => version)),
      list(updates.map(({ deceased }) => deceased)),
      ...columns(updates.map(({ row }) => row)),
    ],
  );
  if (!done) throw new Error('a statement came back without its decision');
  return done;
}

const updateSql = (decide: string) => `
select ${DECISION}, x.changed
  from ${decide} d
  left join lateral (
    select fhir_update_patients($4, $5, $6, $7, $8, ${[9, 10, 11, 12, 13, 14].map(texts).join(', ')}) as changed
      from (select 1 where d.outcome = 'allowed' offset 0) go
    offset 0) x on true`;

const countSql = (decide: string) => `
select ${DECISION}, fhir_count_wrong_dates($4, $5, ${texts(6)}, ${texts(7)}) from ${decide} d where d.outcome = 'allowed'`;

/** After a dry run was undone: the wrong dates of birth that it tried count all the same. */
export async function countWrongDates(
  query: Query,
  decider: Decider,
  rows: readonly RegisterRow[],
): Promise<void> {
  await query(`register-count-${decider.name}`, countSql(decider.sql), [
    ...decider.values,
    list(rows.map(({ identity }) => identity.birthDate)),
    ...identifierLists(rows),
  ]);
}

const identifierLists = (rows: readonly RegisterRow[]) => [
  ...flat(rows, ({ identity }) => identity.identifiers.map(({ system }) => system)),
  flat(rows, ({ identity }) => identity.identifiers.map(({ value }) => value))[1],
];

/** What every row says several times: the rows' places, from 1, and the texts. */
function flat(
  rows: readonly RegisterRow[],
  textsOf: (row: RegisterRow) => readonly string[],
): [string, string] {
  const places: number[] = [];
  const said: string[] = [];
  for (let at = 0; at < rows.length; at++) {
    for (const text of textsOf(rows[at]!)) {
      places.push(at + 1);
      said.push(text);
    }
  }
  return [list(places), said.join(BETWEEN)];
}

/** What search needs of the resources, and their texts. */
function columns(rows: readonly Row[]) {
  return [
    list(rows.map(({ sortFrom }) => sortFrom)),
    list(rows.map(({ sortTo }) => sortTo)),
    ofLists(rows, 'tokens'),
    ofLists(rows, 'identifiers'),
    ofLists(rows, 'strings'),
    ofTexts(rows, 'dates'),
    ofTexts(rows, 'numbers'),
    ofTexts(rows, 'content'),
  ];
}

/*
 * Texts travel as one, cut at marks, so that none has to be quoted. JSON text holds no control characters but those that
 * stand for what the statement fills in (store/content.ts), and R4 strings hold none at all.
 */
const INNER = '\u0001';
const BETWEEN = '\u0004';
const NULL = '\u0005';

/** PostgreSQL's written form of an array of numbers, ids, dates: nothing that needs quoting. */
const list = (values: readonly unknown[]): string => `{${values.join(',')}}`;

const ofTexts = (rows: readonly Row[], column: 'dates' | 'numbers' | 'content') =>
  rows.map((row) => row[column] ?? NULL).join(BETWEEN);

const ofLists = (rows: readonly Row[], column: 'tokens' | 'identifiers' | 'strings') =>
  rows.map((row) => (row[column]?.length ? row[column].join(INNER) : NULL)).join(BETWEEN);
