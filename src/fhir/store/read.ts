import { DECIDE, DECISION, purviewOf } from './purview.ts';
import type { Asked, Query } from './query.ts';
import type { FoundRow, Key, ReadOne } from './read-together.ts';

const READ_TOMBSTONE = `
select ${DECISION}, gone.*
  from ${DECIDE} d
  left join lateral (
    select v.version, v.updated_at, v.patient_id, v.content
      from resource_version v
     where d.outcome = 'allowed' and v.route = $4 and v.id = $5 and v.type = $6 and v.content is null
       and ${purviewOf('v')}
     limit 1) gone on true`;

/**
 * The current version, or the tombstone, which is looked for in a statement of its own: most reads find what they ask
 * for, and those that do not all take the same two.
 */
export async function readCurrent(
  { readOne, readQuery }: { readOne: ReadOne; readQuery: Query },
  asked: Asked,
  key: Key,
) {
  const row = await readOne(asked, key);
  const { route, id, type } = key;
  const absent = row.outcome === 'allowed' && row.version === null;
  return absent
    ? readQuery<FoundRow>('fhir-read-tombstone', READ_TOMBSTONE, [...asked, route, id, type])
    : [row];
}

// An old version is seen by those who may see it and the resource as it is now: a label that was put right later
// covers what was written before.
const VREAD = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select r.version, r.updated_at, r.patient_id, r.content
      from resource r
     where d.outcome = 'allowed' and r.route = $4 and r.id = $5 and r.type = $6 and ${purviewOf('r')}
       and r.version = $7
    union all
    select v.version, v.updated_at, v.patient_id, v.content
      from resource_version v
     where d.outcome = 'allowed' and v.route = $4 and v.id = $5 and v.type = $6 and v.version = $7
       and ${purviewOf('v')} and ${currentSeen('v')}
    offset 0) x on true`;

/** The resource's present row, or its tombstone when it has been deleted for good, is within the purview too. */
function currentSeen(v: string) {
  return `(exists (select from resource r where r.route = ${v}.route and r.id = ${v}.id and ${purviewOf('r')})
    or exists (select from resource_version t
                where t.route = ${v}.route and t.id = ${v}.id and t.content is null and ${purviewOf('t')}))`;
}

/** One version, current, earlier or the tombstone. */
export function readVersion(query: Query, asked: Asked, { type, route, id }: Key, version: number) {
  return query<FoundRow>('fhir-vread', VREAD, [...asked, route, id, type, version]);
}

const HISTORY = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select h.version, h.updated_at, h.patient_id, h.content
      from (select r.version, r.updated_at, r.patient_id, r.content
              from resource r
             where d.outcome = 'allowed' and r.route = $4 and r.id = $5 and r.type = $6 and ${purviewOf('r')}
            union all
            select v.version, v.updated_at, v.patient_id, v.content
              from resource_version v
             where d.outcome = 'allowed' and v.route = $4 and v.id = $5 and v.type = $6 and ${purviewOf('v')}
               and ${currentSeen('v')}) h
     where $7::integer is null or h.version < $7
     order by h.version desc limit $8) x on true`;

/** Up to `limit` versions before `before`, newest first; one row without a version when there are none. */
export function readHistory(
  query: Query,
  asked: Asked,
  { type, route, id }: Key,
  { before, limit }: { before: number | null; limit: number },
) {
  return query<FoundRow>('fhir-history', HISTORY, [...asked, route, id, type, before, limit]);
}
