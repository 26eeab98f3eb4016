import type { FastifyReply, FastifyRequest } from 'fastify';
import { createSigner } from '../../web/index.ts';

/** How far somebody has come in joining: which invitation, and whether they knew the date of birth. */
export type Ticket = { codeHash: Buffer; birthDateAgreed: boolean };

const LIVES_SECONDS = 30 * 60;

/**
 * Carries the ticket from page to page in a signed cookie, so that the codes are sent once and stand in no page after.
 * It says what was shown already, not that the invitation is still good: each step looks that up anew.
 */
export function createTickets(options: { cookieKey: Buffer; secure: boolean; now: () => Date }) {
  const signer = createSigner(options.cookieKey, 'join-ticket');
  const name = options.secure ? '__Host-join' : 'join';
  const cookie = { path: '/', httpOnly: true, sameSite: 'lax', secure: options.secure } as const;

  return {
    give(reply: FastifyReply, { codeHash, birthDateAgreed }: Ticket): void {
      const until = options.now().getTime() + LIVES_SECONDS * 1000;
      const value = [codeHash.toString('hex'), birthDateAgreed ? 'agreed' : 'codes', until].join('-');
      reply.setCookie(name, signer.sign(value), { ...cookie, maxAge: LIVES_SECONDS });
    },

    read(request: FastifyRequest): Ticket | null {
      const [codeHash = '', stage, until] = signer.open(request.cookies[name])?.split('-') ?? [];
      if (!stage || Number(until) <= options.now().getTime()) return null;
      return { codeHash: Buffer.from(codeHash, 'hex'), birthDateAgreed: stage === 'agreed' };
    },

    take(reply: FastifyReply): void {
      reply.clearCookie(name, cookie);
    },
  };
}

export type Tickets = ReturnType<typeof createTickets>;
