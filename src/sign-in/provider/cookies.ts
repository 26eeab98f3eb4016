import type { FastifyReply, FastifyRequest } from 'fastify';
import { seal, unseal } from '../seal.ts';
import type { Flow } from './ask-provider.ts';

/** As long as a sign-in at an organisation may take, with a second factor and a look for one's telephone. */
const FLOW_SECONDS = 15 * 60;
/** As long as signing in here once may take, before the two are connected. */
const PENDING_SECONDS = 15 * 60;
/** As long as browsers keep any cookie (RFC 6265bis section 5.5). */
const REMEMBER_SECONDS = 400 * 86_400;

export type StartedFlow = Flow & { next: string };

/** Somebody for whom a provider vouched, and whom no account is tied to yet. */
export type Pending = { providerId: string; subject: string; label: string | null; next: string };

/**
 * What a browser keeps on the way through a provider: sealed, so that it can neither be read nor made up, and Lax, for
 * the way back is a click outside. An answer counts only in the browser that asked: else somebody could sign another
 * person in as themselves (login CSRF, RFC 6819 section 5.3.5).
 */
export function createCookies(options: { encryptionKey: Buffer; secure: boolean; now: () => Date }) {
  const { encryptionKey, secure, now } = options;
  const named = (name: string) => (secure ? `__Host-${name}` : name);
  const common = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;

  function sealed<Value extends object>(name: string, seconds: number) {
    const boundTo = `cookie ${name}`;
    return {
      keep(reply: FastifyReply, value: Value): void {
        const kept = { value, until: now().getTime() + seconds * 1000 };
        const text = seal(encryptionKey, boundTo, Buffer.from(JSON.stringify(kept))).toString('base64url');
        reply.setCookie(named(name), text, { ...common, maxAge: seconds });
      },
      of(request: FastifyRequest): Value | null {
        const text = request.cookies[named(name)];
        if (!text || text.length > 4096) return null;
        try {
          const kept = JSON.parse(unseal(encryptionKey, boundTo, Buffer.from(text, 'base64url')).toString());
          return kept.until > now().getTime() ? (kept.value as Value) : null;
        } catch {
          return null;
        }
      },
      drop: (reply: FastifyReply) => reply.clearCookie(named(name), common),
    };
  }

  return {
    flow: sealed<StartedFlow>('organisation-sign-in', FLOW_SECONDS),
    pending: sealed<Pending>('connect-sign-in', PENDING_SECONDS),
    /** The ODS code of the organisation whose sign-in this browser used last: offered first the next time. */
    remembered(request: FastifyRequest): string | null {
      return /^[A-Z0-9]{3,10}$/.exec(request.cookies[named('signs-in-with')] ?? '')?.[0] ?? null;
    },
    remember: (reply: FastifyReply, odsCode: string) =>
      reply.setCookie(named('signs-in-with'), odsCode, { ...common, maxAge: REMEMBER_SECONDS }),
  };
}

export type Cookies = ReturnType<typeof createCookies>;
