import type { FastifyRequest } from 'fastify';

/** Who is looking at a page, as the page frame shows it. Set by whichever room signed the person in. */
export type Viewer = {
  name: string;
  /** The role as people say it: 'Organisation administrator'. */
  roleName: string;
  /** The role as the code says it, for choosing navigation. */
  role: string;
  /** Null for someone who acts for no organisation: a patient. */
  organisationName: string | null;
  canSwitchOrganisation: boolean;
  /** Where this person's start page, account and sign-out are, if not where staff's are. */
  places?: { home: string; account: string; signOut: string };
  /** The synchroniser token of the person's session: every form sends it back as `_csrf`. */
  csrf: string;
};

declare module 'fastify' {
  interface FastifyRequest {
    viewer: Viewer | null;
  }
}

/** The viewer of this request, or null for someone not signed in. */
export const viewerOf = (request: FastifyRequest): Viewer | null => request.viewer ?? null;
