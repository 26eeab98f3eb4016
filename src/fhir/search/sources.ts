import { routeOf } from '../../ids.ts';
import { neverBelongsToPatient } from '../search-index/patient-of.ts';
import { purviewOf, sharedWith } from '../store/purview.ts';
import type { Place } from './conditions.ts';
import type { Search } from './parse-search.ts';

/** Of a row of a patient whose registration is `g`: within the labels, and the organisation's own or shared. */
export const seenThrough = `(d.labels >> r.label) & 1 = 1 and ${sharedWith('r')}`;

/** The registrations of the decision's organisation, in its teams. */
export const registered = 'g.organisation_id = d.organisation_id and (d.teams is null or g.teams && d.teams)';

/** What belongs to the organisation alone. */
export const ownAlone =
  'r.patient_id is null and r.organisation_id = d.organisation_id and (d.labels >> r.label) & 1 = 1';

/**
 * The places to look, each `from … where` the purview of the row `r`, by the narrowest way in that the search offers.
 * They do not overlap.
 * @param keys the place of the identifiers that this search and those beside it ask for.
 */
export function sourcesOf(search: Search, type: string, keys: string, place: Place): string[] {
  const allowed = `d.outcome = 'allowed' and r.type = ${type}`;
  if (search.ids) {
    const [routes, ids] = [place(search.ids.map(routeOf), 'integer[]'), place(search.ids, 'uuid[]')];
    return [
      `from unnest(${routes}, ${ids}) k(route, id) join resource r on r.route = k.route and r.id = k.id
        where ${allowed} and ${purviewOf('r')}${aboutThem(search, place)}`,
    ];
  }
  const sought = soughtKeys(search);
  if (sought) {
    return [
      `from fhir_identified(${type}, ${keys}) k join resource r on r.route = k.route and r.id = k.id
        where ${allowed} and k.identifiers && ${place(sought, 'text[]')} and ${purviewOf('r')}${aboutThem(search, place)}`,
    ];
  }
  if (search.people) {
    return [
      `from fhir_people(${place(search.people, 'text[]')}) k
         join resource r on r.route = k.route and r.id = k.id where ${allowed} and ${purviewOf('r')}`,
    ];
  }
  if (!search.patients && (search.since || search.sort?.endsWith('_lastUpdated'))) {
    // In the order of the index on times of writing: it is read from where the page begins until the page is full.
    const since = search.since ? ` and r.updated_at >= ${place(search.since, 'timestamptz')}` : '';
    return [`from resource r where ${allowed}${since} and ${purviewOf('r')}`];
  }
  const own = `from resource r where ${allowed} and ${ownAlone}`;
  if (search.patients) {
    const scoped = `from registration g join resource r on r.route = g.route and r.patient_id = g.patient_id
      where ${allowed} and ${registered} and ${seenThrough} and ${ofPatients(search.patients, place)}`;
    return search.alsoOwn ? [scoped, own] : [scoped];
  }
  if (neverBelongsToPatient(search.type)) return [own];
  const key = search.type === 'Patient' ? 'r.id' : 'r.patient_id';
  const theirs = `from registration g join resource r on r.route = g.route and ${key} = g.patient_id
    where ${allowed} and ${registered} and ${seenThrough}`;
  return search.type === 'Patient' ? [theirs] : [theirs, own];
}

/** The identifiers by whose index the search goes in; null when there is a narrower way. */
export const soughtKeys = ({ ids, identified }: Search): string[] | null => (ids ? null : identified);

/** Where another way in is narrower, the patients that the search names are still a condition like others. */
function aboutThem({ patients, alsoOwn }: Search, place: Place): string {
  return patients && !alsoOwn ? ` and r.patient_id = any(${place(patients, 'uuid[]')})` : '';
}

/** One patient is the common case, and a plain equality the plan that is surest to be right. */
function ofPatients(patients: readonly string[], place: Place): string {
  const [only] = patients;
  if (only !== undefined && patients.length === 1) {
    return `g.route = ${place(routeOf(only), 'integer')} and g.patient_id = ${place(only, 'uuid')}`;
  }
  const [routes, ids] = [place(patients.map(routeOf), 'integer[]'), place(patients, 'uuid[]')];
  return `(g.route, g.patient_id) in (select k.route, k.id from unnest(${routes}, ${ids}) k(route, id))`;
}
