import { type Static, Type } from 'typebox';
import { isUuid } from '../../ids.ts';
import type { AccessBy, AccessFilter } from './store.ts';

const Text = Type.String({ default: '', maxLength: 200 });

export const Query = Type.Object({ period: Text, organisation: Text, show: Text, search: Text, page: Text });
export const EntriesQuery = Type.Object({ ...Query.properties, system: Text, person: Text, for: Text });

export const PERIODS = [
  { value: '', text: 'The last 30 days', days: 30 },
  { value: 'week', text: 'The last 7 days', days: 7 },
  { value: 'year', text: 'The last 12 months', days: 365 },
  { value: 'all', text: 'All time', days: null },
];

/** An address with a value that we do not know shows the list as if it were not there. */
export function filterOf(query: Static<typeof Query>): AccessFilter {
  const period = PERIODS.find(({ value }) => value === query.period) ?? PERIODS[0]!;
  return {
    days: period.days,
    organisationId: isUuid(query.organisation) ? query.organisation : null,
    outcome: query.show === 'allowed' || query.show === 'refused' ? query.show : null,
    text: query.search.trim(),
  };
}

export const pageOf = ({ page }: { page: string }): number =>
  /^[1-9]\d{0,5}$/.test(page) ? Number(page) : 1;

export const byOf = (query: Static<typeof EntriesQuery>): AccessBy => ({
  clientId: query.system || null,
  organisationId: isUuid(query.for) ? query.for : null,
  accountId: isUuid(query.person) ? query.person : null,
});
