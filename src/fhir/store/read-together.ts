import { DECIDE, DECISION, type DecisionRow, purviewOf } from './purview.ts';
import type { Asked, Query } from './query.ts';

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
 * Reads by key that the same token asks for in the same turn of the event loop, of one organisation and type, are one
 * statement with one decision for all. Nothing is kept from one turn to the next: every request is answered from a
 * statement that began after the request came, so a revoke counts for it as if it had been alone.
 */
export function createReadTogether(query: Query): ReadOne {
  let groups = new Map<string, Group>();

  function flush(): void {
    const gathered = groups;
    groups = new Map();
    for (const group of gathered.values()) readGroup(query, group);
  }

  return (asked, key) => {
    const [tokenHash, organisation, permissions] = asked;
    // All that the decision depends on, and the type; the hash has a fixed length and the others hold no space.
    const name = `${tokenHash.toString('hex')} ${organisation} ${permissions} ${key.type}`;
    if (groups.size === 0) setImmediate(flush);
    let group = groups.get(name);
    if (!group || group.waiting.length === TOGETHER_MAX) {
      if (group) readGroup(query, group);
      group = { asked, type: key.type, waiting: [] };
      groups.set(name, group);
    }
    const { promise, resolve, reject } = Promise.withResolvers<FoundRow>();
    group.waiting.push({ key, resolve, reject });
    return promise;
  };
}

/** Enough to share the cost of a decision, and few enough that nobody waits for many others' rows. */
const TOGETHER_MAX = 32;

type Waiting = { key: Key; resolve: (row: FoundRow) => void; reject: (error: unknown) => void };
type Group = { asked: Asked; type: string; waiting: Waiting[] };

async function readGroup(query: Query, { asked, type, waiting }: Group): Promise<void> {
  try {
    const rows = await (waiting.length === 1 ? readAlone : readAll)(query, asked, type, waiting);
    for (const [index, { resolve }] of waiting.entries()) resolve(rows[index]!);
  } catch (error) {
    for (const { reject } of waiting) reject(error);
  }
}

// `offset 0` keeps the planner from joining the data before decide() has run and opened row-level security.
const READ = `
select ${DECISION}, r.*
  from ${DECIDE} d
  left join lateral (
    select r.version, r.updated_at, r.patient_id, r.content
      from resource r
     where d.outcome = 'allowed' and r.route = $5 and r.id = $6 and r.type = $4 and ${purviewOf('r')}
    offset 0) r on true`;

async function readAlone(query: Query, asked: Asked, type: string, waiting: Waiting[]): Promise<FoundRow[]> {
  const { route, id } = waiting[0]!.key;
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
async function readAll(query: Query, asked: Asked, type: string, waiting: Waiting[]): Promise<FoundRow[]> {
  // Written here: numbers and ids (`keyOf`) need no quotes.
  const routes = `{${waiting.map(({ key }) => key.route).join(',')}}`;
  const ids = `{${waiting.map(({ key }) => key.id).join(',')}}`;
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
  const rows = waiting.map(() => absent);
  for (const row of found) if (row.place !== null) rows[row.place - 1] = row;
  return rows;
}
