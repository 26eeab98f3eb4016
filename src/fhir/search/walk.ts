import { neverBelongsToPatient } from '../search-index/patient-of.ts';
import type { Place } from './conditions.ts';
import type { Position } from './order.ts';
import type { Search } from './parse-search.ts';
import { ownAlone, registered, seenThrough } from './sources.ts';

/** Whether nothing says where to look and in what order to answer. */
export const isWalk = ({ type, sort, ids, identified, people, patients, since }: Search): boolean =>
  !sort && !ids && !identified && !people && !patients && !since && !neverBelongsToPatient(type);

export const WALK_KEYS = 4;

/**
 * A page of everything: patient by patient as the registrations lie, then what belongs to the organisation alone. It
 * stops when the page is full, wherever it is. The order is that of the nested loop (the inner side depends on the
 * outer, so there is no other plan) and of `union all`; sorting would have to see everything first.
 */
export function walkText(
  search: Search,
  type: string,
  filters: readonly string[],
  after: Position | null,
  limit: string,
  place: Place,
): string {
  const [branch, route, owner, id] = after ?? [];
  const beyond = [...filters];
  let from = '';
  if (branch === '0') {
    const [atRoute, atOwner, atId] = [place(route, 'integer'), place(owner, 'uuid'), place(id, 'uuid')];
    from = ` and (g.route, g.patient_id) >= (${atRoute}, ${atOwner})`;
    beyond.push(`(g.route, g.patient_id, r.id) > (${atRoute}, ${atOwner}, ${atId})`);
  }
  const columns = 'r.id, r.type, r.patient_id, r.content';
  const theirs = `
    select 0 as k0, g.route as k1, g.patient_id as k2, r.id as k3, ${columns}
      from (select g.route, g.patient_id, g.shared_labels from registration g
             where d.outcome = 'allowed' and ${registered}${from}
             order by g.route, g.patient_id offset 0) g
     cross join lateral (
       select ${columns} from resource r
        where r.route = g.route and ${search.type === 'Patient' ? 'r.id' : 'r.patient_id'} = g.patient_id
          and r.type = ${type} and ${[seenThrough, ...beyond].join(' and ')}
        order by r.id offset 0) r
     limit ${limit} + 1`;
  if (search.type === 'Patient') return theirs;
  const cut = branch === '1' ? [`r.id > ${place(id, 'uuid')}`] : [];
  const own = `
    select 1 as k0, r.route as k1, r.organisation_id as k2, r.id as k3, ${columns} from resource r
     where d.outcome = 'allowed' and r.type = ${type} and ${[ownAlone, ...filters, ...cut].join(' and ')}
     order by r.id limit ${limit} + 1`;
  return branch === '1' ? own : `select w.* from ((${theirs}) union all (${own})) w limit ${limit} + 1`;
}
