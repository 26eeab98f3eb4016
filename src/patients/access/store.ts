import type { PoolClient } from 'pg';
import { routeOf } from '../../ids.ts';

type On = Pick<PoolClient, 'query'>;

/** Whose record: the patient, and what the audit may name them by (`knownBy`). */
export type Whose = { patientId: string; names: readonly string[] };

export type AccessFilter = {
  /** Days back from now; null: from the beginning. */
  days: number | null;
  organisationId: string | null;
  outcome: 'allowed' | 'refused' | null;
  text: string;
};

/** One system or person, for one organisation: what they did with the record in the time asked about. */
export type AccessGroup = {
  clientId: string | null;
  organisationId: string | null;
  accountId: string | null;
  systemName: string | null;
  company: string | null;
  personName: string | null;
  organisationName: string | null;
  /** Whether the patient is registered with the organisation. */
  registered: boolean;
  purpose: string | null;
  reason: string | null;
  calls: number;
  refused: number;
  /** Let through, and found nothing of the patient's. */
  fruitless: number;
  first: Date;
  last: Date;
  /** `done`: how often it came to anything. */
  acts: { interaction: string; type: string | null; calls: number; done: number }[];
};

export type AccessEntry = {
  at: Date;
  requestId: string;
  kind: string;
  interaction: string;
  outcome: string;
  /** Whether anything of the patient's was touched, or the patient was named by id. */
  touched: boolean;
  resourceType: string | null;
  systemName: string | null;
  company: string | null;
  personName: string | null;
  organisationName: string | null;
  purpose: string | null;
  reason: string | null;
};

/**
 * What others did with the record of the patient who acts, as the audit has it. A call that was let through names the
 * patients whose data it touched, and a search that was refused those that it named. Anything else that was refused
 * counts when it asked for the patient, or for something that is the patient's, and whatever named the patient by a
 * national number or in vain. The patient's own doings (`my-…`, `join-…`) are none of others'.
 * `$1` patient, `$2` routing key, `$3` its eight digits, `$4` days, `$5` organisation, `$6` outcome, `$7` text,
 * `$8` names.
 */
const FOUND = `
  seen as (
    select a.* from audit_record a where a.patients @> array[$1::uuid]
    union all
    select a.* from audit_record a
     where a.named && $8::text[] and (a.patients is null or not a.patients @> array[$1::uuid])
    union all
    select a.* from audit_record a
     where a.kind = 'fhir' and a.outcome <> 'allowed' and a.resource_id is not null and left(a.resource_id, 8) = $3
       and (a.patients is null or not a.patients @> array[$1::uuid]) and (a.named is null or not a.named && $8)
       and exists (select from resource r
                    where r.route = $2 and r.patient_id = $1
                      and r.id = case when a.resource_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                      then a.resource_id::uuid end)),
  found as (
    select s.chain, s.sequence, s.at, s.request_id, s.kind, s.interaction, s.outcome, s.resource_type,
           s.client_id, s.organisation_id, s.connection_id, coalesce(s.patients @> array[$1::uuid], false) as touched,
           case when s.kind = 'page' then s.account_id end as account_id,
           y.name as system_name, y.purpose, p.name as company, c.name as person_name,
           o.name as organisation_name, n.reason
      from seen s
      left join system y on y.client_id = s.client_id
      left join company p on p.id = y.company_id
      left join account c on s.kind = 'page' and c.id = s.account_id
      left join organisation o on o.id = s.organisation_id
      left join connection n on n.id = s.connection_id
     where s.kind in ('fhir', 'page') and s.interaction !~ '^(my|join)-'
       and ($4::integer is null or s.at > now() - make_interval(days => $4))
       and ($5::uuid is null or s.organisation_id = $5)
       and ($6::text is null or ($6 = 'allowed') = (s.outcome = 'allowed'))
       and ($7 = '' or position(lower($7) in lower(concat_ws(' ', y.name, p.name, c.name, o.name))) > 0))`;

const parameters = ({ patientId, names }: Whose, { days, organisationId, outcome, text }: AccessFilter) => [
  patientId,
  routeOf(patientId),
  patientId.slice(0, 8),
  days,
  organisationId,
  outcome,
  text,
  names,
];

export const GROUPS_A_PAGE = 10;
export const ENTRIES_A_PAGE = 50;

/** Who did something with the record, whoever did so last first. Inside `asPatient`. */
export async function listGroups(on: On, whose: Whose, filter: AccessFilter, page: number) {
  const { rows } = await on.query<AccessGroup & { total: number }>({
    name: 'access-groups',
    text: `with ${FOUND},
      acts as (
        select client_id, organisation_id, account_id, interaction, resource_type, count(*) as calls,
               count(*) filter (where outcome <> 'allowed') as refused,
               count(*) filter (where outcome = 'allowed' and touched) as done, min(at) as first, max(at) as last,
               max(connection_id::text) as connection_id
          from found group by 1, 2, 3, 4, 5),
      grouped as (
        select client_id, organisation_id, account_id, sum(calls)::bigint as calls, sum(refused)::bigint as refused,
               sum(calls - refused - done)::bigint as fruitless, min(first) as first, max(last) as last, max(connection_id)::uuid as connection_id,
               json_agg(json_build_object('interaction', interaction, 'type', resource_type, 'calls', calls,
                                          'done', done)
                        order by calls desc, interaction, resource_type) as acts
          from acts group by 1, 2, 3)
      select g.client_id as "clientId", g.organisation_id as "organisationId", g.account_id as "accountId",
             y.name as "systemName", p.name as company, c.name as "personName", o.name as "organisationName",
             y.purpose, n.reason, g.calls, g.refused, g.fruitless, g.first, g.last, g.acts,
             exists (select from registration i where i.route = $2 and i.patient_id = $1
                                                  and i.organisation_id = g.organisation_id) as registered,
             count(*) over () as total
        from grouped g
        left join system y on y.client_id = g.client_id
        left join company p on p.id = y.company_id
        left join account c on c.id = g.account_id
        left join organisation o on o.id = g.organisation_id
        left join connection n on n.id = g.connection_id
       order by g.last desc, g.client_id, g.organisation_id, g.account_id
       limit ${GROUPS_A_PAGE} offset $9`,
    values: [...parameters(whose, filter), (page - 1) * GROUPS_A_PAGE],
  });
  return { total: rows[0]?.total ?? 0, rows };
}

export type AccessBy = { clientId: string | null; organisationId: string | null; accountId: string | null };

/** What one of them did, one by one, newest first. */
export async function listEntries(on: On, whose: Whose, filter: AccessFilter, by: AccessBy, page: number) {
  const { rows } = await on.query<AccessEntry & { total: number }>({
    name: 'access-entries',
    text: `with ${FOUND}
      select ${ENTRY}, count(*) over () as total from found
       where client_id is not distinct from $9 and organisation_id is not distinct from $10::uuid
         and account_id is not distinct from $11::uuid
       order by at desc, chain, sequence desc limit ${ENTRIES_A_PAGE} offset $12`,
    values: [
      ...parameters(whose, filter),
      by.clientId,
      by.organisationId,
      by.accountId,
      (page - 1) * ENTRIES_A_PAGE,
    ],
  });
  return { total: rows[0]?.total ?? 0, rows };
}

const ENTRY = `at, request_id as "requestId", kind, interaction, outcome, touched, resource_type as "resourceType",
  system_name as "systemName", company, person_name as "personName", organisation_name as "organisationName",
  purpose, reason`;

/** Where a download has come to. */
export type Place = { at: string; chain: string; sequence: string };

/** The next rows of a download, newest first, after `place`. */
export async function entriesAfter(
  on: On,
  whose: Whose,
  filter: AccessFilter,
  place: Place | null,
  count: number,
): Promise<(AccessEntry & { place: Place })[]> {
  const { rows } = await on.query({
    name: 'access-download',
    text: `with ${FOUND}
      select ${ENTRY}, json_build_object('at', at, 'chain', chain, 'sequence', sequence::text) as place from found
       where $9::timestamptz is null or (at, chain, sequence) < ($9, $10::uuid, $11::bigint)
       order by at desc, chain desc, sequence desc limit $12`,
    values: [...parameters(whose, filter), place?.at, place?.chain, place?.sequence, count],
  });
  return rows;
}

/** The organisations that the patient is registered with or for which something was done, to filter by. */
export async function listOrganisations(
  on: On,
  { patientId, names }: Whose,
): Promise<{ id: string; name: string }[]> {
  const { rows } = await on.query<{ id: string; name: string }>({
    name: 'access-organisations',
    text: `select o.id, o.name from organisation o
            where o.id in (select organisation_id from registration where route = $2 and patient_id = $1
                           union select organisation_id from audit_record
                                  where (patients @> array[$1::uuid] or named && $3::text[])
                                    and interaction !~ '^(my|join)-')
            order by o.name, o.id`,
    values: [patientId, routeOf(patientId), names],
  });
  return rows;
}
