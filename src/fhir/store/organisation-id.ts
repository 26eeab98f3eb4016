import { isUuid } from '../../ids.ts';
import type { Query } from './query.ts';

const REMEMBERED_MAX = 1000;

/**
 * The public id behind what a request names its organisation by. Only names are remembered here, never grants: every
 * statement finds the organisation anew and writes nothing when it is not this one, and then `forget` is called.
 */
export function createOrganisationIds(query: Query) {
  const known = new Map<string, string>();
  return {
    async resolve(organisation: string): Promise<string> {
      if (isUuid(organisation)) return organisation;
      const id = known.get(organisation) ?? (await find(query, organisation));
      if (known.size >= REMEMBERED_MAX) known.clear();
      if (id !== NONE) known.set(organisation, id);
      return id;
    },
    forget(organisation: string): void {
      known.delete(organisation);
    },
  };
}

const NONE = '00000000-0000-0000-0000-000000000000';

async function find(query: Query, odsCode: string): Promise<string> {
  const sql = 'select id from organisation where ods_code = $1';
  const [row] = await query<{ id: string }>('fhir-organisation', sql, [odsCode]);
  return row?.id ?? NONE;
}
