import { createHash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account, OpenedBy, SignInStore, StaffRole, StoredSession } from './store.ts';

export const IDLE_SECONDS = 30 * 60;
export const ABSOLUTE_SECONDS = 12 * 3600;

/** So long a sign-in stands for the person at what outlasts the session: ways to sign in, connections, codes. */
const RECENT_SECONDS = 15 * 60;

/** How stale "last seen" may be: saves a write on most pages, costs the idle limit at most this much. */
const TOUCH_SECONDS = 60;

/**
 * Sessions of staff: 256 random bits in a cookie, their SHA-256 in the database. A session gets a new id whenever
 * what it may do changes, so that an id planted or seen before is worth nothing after (session fixation).
 */
export function createSessions(options: { store: SignInStore; secure: boolean; now: () => Date }) {
  const { store, now } = options;
  // __Host- lets no other host or path set it, and needs https (RFC 6265bis section 4.1.3.2).
  const cookieName = options.secure ? '__Host-session' : 'session';
  const cookie = { path: '/', httpOnly: true, sameSite: 'lax', secure: options.secure } as const;

  const write = (reply: FastifyReply, id: string) => reply.setCookie(cookieName, id, cookie);

  async function start(
    request: FastifyRequest,
    reply: FastifyReply,
    account: Account,
    before: StoredSession | null,
    opening: Opening,
  ): Promise<StoredSession | null> {
    if (before) await store.endSession(before.idHash, before.account.id, now());
    const { id, idHash, csrf } = fresh();
    const at = now();
    const { organisationId = null, openedBy = null, identityId = null } = opening;
    const secondFactorAt = identityId ? at : null;
    const begun = await store.insertSession({
      idHash,
      csrf,
      organisationId,
      openedBy,
      identityId,
      secondFactorAt,
      accountId: account.id,
      now: at,
      expiresAt: new Date(at.getTime() + ABSOLUTE_SECONDS * 1000),
      address: request.ip,
      userAgent: String(request.headers['user-agent'] ?? '').slice(0, 200),
      passwordHash: openedBy || identityId ? null : account.passwordHash,
    });
    if (!begun) return null;
    write(reply, id);
    return {
      idHash,
      account,
      organisationId,
      csrf,
      secondFactorAt,
      openedBy,
      identityId,
      createdAt: at,
      lastSeenAt: at,
    };
  }

  return {
    async load(request: FastifyRequest): Promise<StoredSession | null> {
      const idHash = hashOf(request.cookies[cookieName]);
      if (!idHash) return null;
      const session = await store.liveSession(idHash, now(), IDLE_SECONDS);
      // Someone without any role left is nobody here, whatever they had opened before; a session that a launch
      // opened is for its one organisation.
      if (session?.account.roles.length === 0) return null;
      if (session?.openedBy && !currentRole(session)) return null;
      if (session && now().getTime() - session.lastSeenAt.getTime() > TOUCH_SECONDS * 1000) {
        await store.touch(idHash, now());
      }
      return session;
    },

    /**
     * A new session for someone whose password was right; the one they came with, if any, ends. Null when the password
     * that `account` has is not the account's any more.
     */
    async begin(
      request: FastifyRequest,
      reply: FastifyReply,
      account: Account,
      before: StoredSession | null,
    ): Promise<SessionState | null> {
      const organisationId = account.roles.length === 1 ? account.roles[0]!.organisationId : null;
      return start(request, reply, account, before, { organisationId });
    },

    /** A new session for someone whose paired device stands for them, for the one organisation it is paired with. */
    openFor(
      request: FastifyRequest,
      reply: FastifyReply,
      account: Account,
      opening: { organisationId: string; openedBy: OpenedBy },
    ): Promise<StoredSession | null> {
      return start(request, reply, account, request.staffSession, opening);
    },

    /** A new session for someone for whom their organisation's provider vouched, with a second factor, for it alone. */
    async openVouched(
      request: FastifyRequest,
      reply: FastifyReply,
      account: Account,
      opening: { organisationId: string; identityId: string },
    ): Promise<void> {
      await start(request, reply, account, request.staffSession, opening);
    },

    /** Renews the session's id with what it has become. Null when it ended meanwhile. */
    async become(
      reply: FastifyReply,
      session: StoredSession,
      changes: { organisationId?: string; secondFactorAt?: Date },
    ): Promise<StoredSession | null> {
      const { id, idHash, csrf } = fresh();
      const next = { ...session, ...changes, idHash, csrf };
      if (!(await store.renew(session.idHash, next))) return null;
      write(reply, id);
      return next;
    },

    /**
     * Whether the person has only just shown who they are here. An open session is not enough to keep an account:
     * whoever finds one on a computer that was left must not tie anything of theirs to it.
     */
    isRecent({ openedBy, secondFactorAt, createdAt }: StoredSession): boolean {
      const shownAt = secondFactorAt ?? createdAt;
      return openedBy === null && now().getTime() - shownAt.getTime() <= RECENT_SECONDS * 1000;
    },

    async end(reply: FastifyReply, session: StoredSession): Promise<void> {
      await store.endSession(session.idHash, session.account.id, now());
      reply.clearCookie(cookieName, cookie);
    },
  };
}

type Opening = { organisationId?: string | null; openedBy?: OpenedBy; identityId?: string };

export type Sessions = ReturnType<typeof createSessions>;

export type SessionState = Pick<
  StoredSession,
  'account' | 'secondFactorAt' | 'organisationId' | 'openedBy' | 'identityId'
>;

/** What still stands between a session and the pages, in the order it is asked for. */
export type Step = 'code' | 'new-password' | 'enrol' | 'organisation' | 'done';

/**
 * Administrators need a second factor, and whoever had theirs taken away; whoever has set one up is asked for it too.
 * A one-time password is good for nothing but choosing one.
 */
export function nextStep(session: SessionState): Step {
  const { account, secondFactorAt, openedBy, identityId } = session;
  const administers = account.roles.some(({ role }) => role === 'administrator');
  // Whoever was opened the door by a paired device or their organisation has proved it before.
  if (!openedBy && !identityId) {
    if (!secondFactorAt && account.totpSecret) return 'code';
    if (account.passwordExpiresAt) return 'new-password';
    if (!secondFactorAt && (administers || account.secondFactorRequired)) return 'enrol';
  }
  return currentRole(session) ? 'done' : 'organisation';
}

/**
 * The role held now in the organisation chosen; null when none is chosen or the role has ended since. Without a
 * sign-in nobody administers: a launch opens a record and no more.
 */
export function currentRole(session: SessionState): StaffRole | null {
  const held = session.account.roles.find(({ organisationId }) => organisationId === session.organisationId);
  if (!held) return null;
  return session.openedBy ? { ...held, role: 'professional' } : held;
}

function fresh() {
  const id = randomBytes(32).toString('base64url');
  return { id, idHash: hashOf(id)!, csrf: randomBytes(32).toString('base64url') };
}

const hashOf = (id: string | undefined): Buffer | null =>
  id && /^[\w-]{43}$/.test(id) ? createHash('sha256').update(id).digest() : null;
