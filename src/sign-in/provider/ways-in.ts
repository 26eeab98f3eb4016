import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { startPath } from './ask-provider.ts';
import type { Cookies } from './cookies.ts';
import { hasProviders, type Provider, providerOf } from './store.ts';

export type WayIn = { organisation: string; href: string };

/** What pages offer beside the password: the sign-in of one organisation, and the page that finds others. */
export function createWaysIn(database: Pick<Pool, 'query'>, cookies: Pick<Cookies, 'remembered'>) {
  return {
    /** That of the organisation whose sign-in this browser used last, if any. */
    async ofBrowser(
      request: FastifyRequest,
      next: string,
      again = false,
    ): Promise<{ known: WayIn | null; others: boolean }> {
      const odsCode = cookies.remembered(request);
      const provider = odsCode && (await providerOf(database, { odsCode }));
      if (provider) return { known: wayIn(provider, next, again), others: true };
      return { known: null, others: await hasProviders(database) };
    },

    async ofOrganisation(organisationId: string, next: string, again = false): Promise<WayIn | null> {
      const provider = await providerOf(database, { organisationId });
      return provider && wayIn(provider, next, again);
    },

    async ofCode(odsCode: string, next: string, again = false): Promise<WayIn | null> {
      const provider = await providerOf(database, { odsCode });
      return provider && wayIn(provider, next, again);
    },
  };
}

export type WaysIn = ReturnType<typeof createWaysIn>;

function wayIn({ organisationName, odsCode }: Provider, next: string, again = false): WayIn {
  const query = new URLSearchParams({ next, ...(again && { again: 'yes' }) });
  return { organisation: organisationName, href: `${startPath(odsCode)}?${query}` };
}
