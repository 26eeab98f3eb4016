import { createHash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account, SignInStore, StoredSession } from './store.ts';

export const IDLE_SECONDS = 30 * 60;
export const ABSOLUTE_SECONDS = 12 * 3600;

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

  return {
    async load(request: FastifyRequest): Promise<StoredSession | null> {
      const idHash = hashOf(request.cookies[cookieName]);
      if (!idHash) return null;
      const session = await store.liveSession(idHash, now(), IDLE_SECONDS);
      // Someone without any role left is nobody here, whatever they had opened before.
      if (session?.account.roles.length === 0) return null;
      if (session && now().getTime() - session.lastSeenAt.getTime() > TOUCH_SECONDS * 1000) {
        await store.touch(idHash, now());
      }
      return session;
    },

    /** A new session for someone whose password was right; the one they came with, if any, ends. */
    async begin(
      request: FastifyRequest,
      reply: FastifyReply,
      account: Account,
      before: StoredSession | null,
    ): Promise<SessionState> {
      if (before) await store.endSession(before.idHash, before.account.id, now());
      const { id, idHash, csrf } = fresh();
      const organisationId = account.roles.length === 1 ? account.roles[0]!.organisationId : null;
      await store.insertSession({
        idHash,
        csrf,
        organisationId,
        accountId: account.id,
        now: now(),
        expiresAt: new Date(now().getTime() + ABSOLUTE_SECONDS * 1000),
        address: request.ip,
        userAgent: String(request.headers['user-agent'] ?? '').slice(0, 200),
      });
      write(reply, id);
      return { account, organisationId, secondFactorAt: null };
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

    async end(reply: FastifyReply, session: StoredSession): Promise<void> {
      await store.endSession(session.idHash, session.account.id, now());
      reply.clearCookie(cookieName, cookie);
    },
  };
}

export type Sessions = ReturnType<typeof createSessions>;

export type SessionState = Pick<StoredSession, 'account' | 'secondFactorAt' | 'organisationId'>;

/** What still stands between a session and the pages, in the order it is asked for. */
export type Step = 'enrol' | 'code' | 'organisation' | 'done';

/** Administrators need a second factor; whoever has set one up is asked for it too. */
export function nextStep(session: SessionState): Step {
  const { account } = session;
  const administers = account.roles.some(({ role }) => role === 'administrator');
  if (!session.secondFactorAt) {
    if (account.totpSecret) return 'code';
    if (administers) return 'enrol';
  }
  return currentRole(session) ? 'done' : 'organisation';
}

/** The role held now in the organisation chosen; null when none is chosen or the role has ended since. */
export const currentRole = (session: SessionState) =>
  session.account.roles.find(({ organisationId }) => organisationId === session.organisationId) ?? null;

function fresh() {
  const id = randomBytes(32).toString('base64url');
  return { id, idHash: hashOf(id)!, csrf: randomBytes(32).toString('base64url') };
}

const hashOf = (id: string | undefined): Buffer | null =>
  id && /^[\w-]{43}$/.test(id) ? createHash('sha256').update(id).digest() : null;
