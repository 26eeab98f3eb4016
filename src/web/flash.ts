import type { FastifyReply, FastifyRequest } from 'fastify';
import { createSigner } from './signed.ts';

/** A message shown once, on the next page. Never put anything personal in it: it travels in a cookie. */
export type Flash = { kind: 'success' | 'information'; text: string };

/** Keeps one message from a form to the page its redirect leads to, in a signed cookie that lives a minute. */
export function createFlash(options: { cookieKey: Buffer; secure: boolean }) {
  const signer = createSigner(options.cookieKey, 'flash');
  const name = options.secure ? '__Host-flash' : 'flash';
  const cookie = { path: '/', httpOnly: true, sameSite: 'lax', secure: options.secure } as const;
  return {
    set(reply: FastifyReply, flash: Flash): void {
      const value = Buffer.from(JSON.stringify(flash)).toString('base64url');
      reply.setCookie(name, signer.sign(value), { ...cookie, maxAge: 60 });
    },
    take(request: FastifyRequest, reply: FastifyReply): Flash | null {
      const sent = request.cookies?.[name];
      if (sent === undefined) return null;
      reply.clearCookie(name, cookie);
      const value = signer.open(sent);
      return value ? (JSON.parse(Buffer.from(value, 'base64url').toString()) as Flash) : null;
    },
  };
}
