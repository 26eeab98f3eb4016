import { DECIDE, DECISION, type DecisionRow, purviewOf } from './purview.ts';
import { type Asked, decidedBy, type Query } from './query.ts';
import { createTogether } from './together.ts';

export type Found = {
  version: number;
  updated_at: Date;
  patient_id: string | null;
  /** Null for a version that says that the resource was deleted. */
  content: string | null;
};

/** All null when there is nothing within the purview, or when the decision went against it. */
export type FoundRow = DecisionRow & { [K in keyof Found]: Found[K] | null };

export type Key = { type: string; route: number; id: string };

/** Reads the current version of one resource. */
export type ReadOne = (asked: Asked, key: Key) => Promise<FoundRow>;

/**
 * Reads by key that the same token asks for at the same time, of one organisation and type, are one statement with one
 * decision for all (`createTogether`). Every request is answered from a statement that began after the request came, so
 * a revoke counts for it as if it had been alone.
 */
export function createReadTogether(query: Query): ReadOne {
  const together = createTogether<Question, FoundRow>(
    (questions) => (questions.length === 1 ? readAlone : readAll)(query, questions),
    { most: 32 },
  );
  return (asked, key) => together(`${decidedBy(asked)} ${key.type}`, { asked, key });
}

type Question = { asked: Asked; key: Key };

// `offset 0` keeps the planner from joining the data before decide() has run and opened row-level security.
const READ = `
select ${DECISION}, r.*
  from ${DECIDE} d
  left join lateral (
    select r.version, r.updated_at, r.patient_id, r.content
      from resource r
     where d.outcome = 'allowed' and r.route = $5 and r.id = $6 and r.type = $4 and ${purviewOf('r')}
    offset 0) r on true`;

async function readAlone(query: Query, [question]: readonly Question[]): Promise<FoundRow[]> {
  const {
    asked,
    key: { type, route, id },
  } = question!;
  return query<FoundRow>('fhir-read', READ, [...asked, type, route, id]);
}

const READ_ALL = `
select ${DECISION}, r.*
  from ${DECIDE} d
  left join lateral (
    select k.place, r.version, r.updated_at, r.patient_id, r.content
      from unnest($5::integer[], $6::uuid[]) with ordinality k(route, id, place)
      join resource r on r.route = k.route and r.id = k.id
     where d.outcome = 'allowed' and r.type = $4 and ${purviewOf('r')}
    offset 0) r on true`;

/** The rows in the order of those who wait; what was not found has a row of nulls. */
async function readAll(query: Query, questions: readonly Question[]): Promise<FoundRow[]> {
  const {
    asked,
    key: { type },
  } = questions[0]!;
  // Written here: numbers and ids (`keyOf`) need no quotes.
  const routes = `{${questions.map(({ key }) => key.route).join(',')}}`;
  const ids = `{${questions.map(({ key }) => key.id).join(',')}}`;
  const values = [...asked, type, routes, ids];
  const found = await query<FoundRow & { place: number | null }>('fhir-read-all', READ_ALL, values);
  const decision = found[0];
  if (!decision) throw new Error('a statement came back without its decision');
  const absent: FoundRow = {
    outcome: decision.outcome,
    client_id: decision.client_id,
    connection_id: decision.connection_id,
    organisation_id: decision.organisation_id,
    version: null,
    updated_at: null,
    patient_id: null,
    content: null,
  };
  const rows = questions.map(() => absent);
  for (const row of found) if (row.place !== null) rows[row.place - 1] = row;
  return rows;
}
