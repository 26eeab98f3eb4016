import type { FastifyReply, FastifyRequest } from 'fastify';
import { roleNeeded, type Web } from '../web/index.ts';
import { currentRole, nextStep, type SessionState, type Sessions } from './sessions.ts';
import type { Role, StaffRole, StoredSession } from './store.ts';

/** The person at work, as every protected page may rely on. */
export type Staff = {
  accountId: string;
  name: string;
  email: string;
  organisationId: string;
  organisationName: string;
  role: Role;
  roles: StaffRole[];
  /** The session's id as stored (a hash), hexadecimal. */
  sessionId: string;
  csrf: string;
  /** False: a paired device opened the session, and the person has not signed in here. */
  signedIn: boolean;
  /** Whether the sign-in of this session had a second factor. */
  secondFactor: boolean;
  /** Whether they have only just signed in: asked for what outlasts the session. */
  recent: boolean;
};

declare module 'fastify' {
  interface FastifyRequest {
    staff: Staff | null;
    /** The session even while sign-in is unfinished; pages other than sign-in's use `staff`. */
    staffSession: StoredSession | null;
  }
}

export const ROLE_NAMES: Record<Role, string> = {
  administrator: 'Organisation administrator',
  coordinator: 'Team coordinator',
  professional: 'Professional',
};
const ROLE_NEEDS: Record<Role, string> = {
  administrator: 'an organisation administrator',
  coordinator: 'a team coordinator',
  professional: 'a professional',
};
const STEP_PAGES = {
  enrol: '/sign-in/set-up-code',
  code: '/sign-in/code',
  'new-password': '/sign-in/new-password',
  organisation: '/account/organisation',
} as const;

/** An onRequest hook: finds out who is asking, before any form is checked against their session's token. */
export function createRecogniseStaff(sessions: Sessions) {
  return async function recogniseStaff(request: FastifyRequest): Promise<void> {
    // Style sheets are nobody's: they need no session, and must arrive when the database does not.
    if (request.routeOptions.url?.startsWith('/assets/')) return;
    const session = await sessions.load(request);
    if (!session) return;
    request.staffSession = session;
    const role = currentRole(session);
    if (!role || nextStep(session) !== 'done') return;
    const { account } = session;
    request.staff = {
      ...role,
      accountId: account.id,
      name: account.name,
      email: account.email,
      roles: account.roles,
      sessionId: session.idHash.toString('hex'),
      csrf: session.csrf,
      signedIn: session.openedBy === null,
      secondFactor: session.secondFactorAt !== null,
      recent: sessions.isRecent(session),
    };
    request.viewer = {
      name: account.name,
      role: role.role,
      roleName: ROLE_NAMES[role.role],
      organisationName: role.organisationName,
      canSwitchOrganisation: account.roles.length > 1 && !session.openedBy,
      csrf: session.csrf,
    };
  };
}

/**
 * `requireStaff` and `requireRole` are hooks for routes of pages that only staff may see. Use them as `onRequest`,
 * so that a form sent after the session ended leads to sign-in and is not even read.
 */
export function createGuards(web: Web) {
  /** Sends whoever may not see the page to what they must do first; true when it did. */
  function sentAway(request: FastifyRequest, reply: FastifyReply): boolean {
    if (request.staff) return false;
    const reading = request.method === 'GET' || request.method === 'HEAD';
    const next = reading ? `?next=${encodeURIComponent(request.url)}` : '';
    const step = request.staffSession && nextStep(request.staffSession);
    if (step && step !== 'done') {
      reply.redirect(STEP_PAGES[step] + next, 303);
      return true;
    }
    if (!reading) {
      web.flash(reply, {
        kind: 'information',
        text: 'You were not signed in any more. Nothing was changed: sign in and do it again.',
      });
    }
    reply.redirect(`/sign-in${next}`, 303);
    return true;
  }

  async function requireStaff(request: FastifyRequest, reply: FastifyReply) {
    if (sentAway(request, reply)) return reply;
  }

  /** Lets only these roles through; `toDoWhat` completes "You need to be … to …". */
  function requireRole(roles: Role[], toDoWhat: string) {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      if (sentAway(request, reply)) return reply;
      if (!roles.includes(staffOf(request).role)) {
        throw roleNeeded(roles.map((role) => ROLE_NEEDS[role]).join(' or '), toDoWhat);
      }
    };
  }

  return { requireStaff, requireRole };
}

/** The staff member of a request behind requireStaff or requireRole. */
export function staffOf(request: FastifyRequest): Staff {
  if (!request.staff) throw new Error('this route must be behind requireStaff');
  return request.staff;
}

/** Signs somebody in once more who is signed in already, and leads on to `next`. */
export const signInAgain = (next: string): string => `/sign-in?again=yes&next=${encodeURIComponent(next)}`;

/** The page that comes next in signing in, or `next` when nothing is left to do. */
export const stepPage = (session: SessionState, next: string): string => {
  const step = nextStep(session);
  return step === 'done' ? next : `${STEP_PAGES[step]}?next=${encodeURIComponent(next)}`;
};
