import type { ClientBase, Pool } from 'pg';

type Queryable = Pick<ClientBase | Pool, 'query'>;

export type Report = {
  at: Date;
  outcome: string;
  source: string;
  userName: string | null;
  accountName: string | null;
  address: string | null;
  requestId: string;
  times: number;
};

// Somebody who works at two computers opens many links on both: for each day that is one report with their number, or
// it would hide the others.
const GROUPED = `
  select max(e.at) as at, e.outcome, e.source, e.user_name as "userName", a.name as "accountName", e.address,
         (array_agg(e.request_id order by e.at desc))[1] as "requestId", count(*)::integer as times
    from latest e left join account a on a.id = e.account_id
   group by e.outcome, e.source, e.user_name, a.name, e.address,
            case when e.outcome = 'allowed-second-browser' then e.at::date::text else e.id::text end
   order by 1 desc limit 50`;

/** The latest launches of an organisation that were refused, or opened a link that had been used elsewhere. */
export async function reportsOf(database: Queryable, organisationId: string): Promise<Report[]> {
  const { rows } = await database.query({
    name: 'launch-reports',
    text: `
      with latest as (
        select * from launch_event where organisation_id = $1 and outcome <> 'allowed' order by at desc limit 1000)
      ${GROUPED}`,
    values: [organisationId],
  });
  return rows;
}

/** What was tried with the user names of an account's connections from browsers that were not known for it. */
export async function reportsToPerson(
  database: Queryable,
  { accountId, organisationId }: { accountId: string; organisationId: string },
): Promise<Report[]> {
  const { rows } = await database.query({
    name: 'launch-reports-to-person',
    text: `
      with latest as (
        select e.* from launch_pairing p
          join launch_event e on e.organisation_id = p.organisation_id and e.source = p.source
                             and lower(e.user_name) = lower(p.user_name) and e.at >= p.created_at
                             and (p.ended_at is null or e.at <= p.ended_at)
         where p.account_id = $1 and p.organisation_id = $2 and e.outcome <> 'allowed'
           and e.outcome in ('not-paired', 'link-reused', 'allowed-second-browser', 'device-cookie-reused',
                             'paired-with-another')
         order by e.at desc limit 500)
      ${GROUPED}`,
    values: [accountId, organisationId],
  });
  return rows;
}
