import { createHash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PatientAccount, PatientSession, PatientStore } from './store.ts';

export const IDLE_SECONDS = 20 * 60;
export const ABSOLUTE_SECONDS = 8 * 3600;

/** How stale "last seen" may be: saves a write on most pages. */
const TOUCH_SECONDS = 60;

/**
 * Patients' sessions, apart from staff's: a cookie of their own, so that one browser may hold both and neither is
 * taken for the other. 256 random bits in the cookie, their SHA-256 in the database.
 */
export function createPatientSessions(options: { store: PatientStore; secure: boolean; now: () => Date }) {
  const { store, now } = options;
  const cookieName = options.secure ? '__Host-my-session' : 'my-session';
  const cookie = { path: '/', httpOnly: true, sameSite: 'lax', secure: options.secure } as const;

  return {
    async load(request: FastifyRequest): Promise<PatientSession | null> {
      const idHash = secretHash(request.cookies[cookieName]);
      const session = idHash && (await store.liveSession(idHash, now(), IDLE_SECONDS));
      if (session && now().getTime() - session.lastSeenAt.getTime() > TOUCH_SECONDS * 1000) {
        await store.touch(session.idHash, now());
      }
      return session;
    },

    /**
     * A new session; the one they came with, if any, ends (no session id outlives a change of person). False when the
     * password that `account` has is not the account's any more.
     */
    async begin(
      request: FastifyRequest,
      reply: FastifyReply,
      account: PatientAccount,
      before: PatientSession | null,
    ): Promise<boolean> {
      if (before) await store.endSession(before.idHash, now());
      const { secret, hash } = newSecret();
      const begun = await store.insertSession({
        idHash: hash,
        account,
        csrf: randomBytes(32).toString('base64url'),
        now: now(),
        expiresAt: new Date(now().getTime() + ABSOLUTE_SECONDS * 1000),
        address: request.ip,
        userAgent: String(request.headers['user-agent'] ?? '').slice(0, 200),
      });
      if (begun) reply.setCookie(cookieName, secret, cookie);
      return begun;
    },

    async end(reply: FastifyReply, session: PatientSession): Promise<void> {
      await store.endSession(session.idHash, now());
      reply.clearCookie(cookieName, cookie);
    },
  };
}

export type PatientSessions = ReturnType<typeof createPatientSessions>;

/** 256 random bits for a cookie or a link, and what is stored of them. */
export function newSecret(): { secret: string; hash: Buffer } {
  const secret = randomBytes(32).toString('base64url');
  return { secret, hash: secretHash(secret)! };
}

/** The hash of a secret that was sent, null when it cannot be one. */
export const secretHash = (secret: unknown): Buffer | null =>
  typeof secret === 'string' && /^[\w-]{43}$/.test(secret)
    ? createHash('sha256').update(secret).digest()
    : null;
