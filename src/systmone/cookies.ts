import type { FastifyReply, FastifyRequest } from 'fastify';
import { REQUEST_SECONDS } from './arrive.ts';

/** As long as browsers keep any cookie (RFC 6265bis section 5.5). */
const DEVICE_SECONDS = 400 * 86_400;

/**
 * The two cookies of launches: `device` stands for this browser and changes at every use, `launch` for one launch
 * that waits. Lax, for a launch is a click outside every browser, and scripts see neither.
 */
export function createCookies(secure: boolean) {
  const named = (name: string) => (secure ? `__Host-${name}` : name);
  const common = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  return {
    deviceOf: (request: FastifyRequest) => request.cookies[named('device')],
    launchOf: (request: FastifyRequest) => request.cookies[named('launch')],
    keepDevice: (reply: FastifyReply, token: string) =>
      reply.setCookie(named('device'), token, { ...common, maxAge: DEVICE_SECONDS }),
    keepLaunch: (reply: FastifyReply, token: string) =>
      reply.setCookie(named('launch'), token, { ...common, maxAge: REQUEST_SECONDS }),
    dropLaunch: (reply: FastifyReply) => reply.clearCookie(named('launch'), common),
  };
}
