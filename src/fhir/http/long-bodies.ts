import type { FastifyReply, FastifyRequest, preParsingHookHandler } from 'fastify';
import type { Room } from '../room.ts';
import type { Call } from './call.ts';
import { finish } from './finish.ts';
import { type Served, serveUnknown } from './serve.ts';

/** A body up to here costs no more to take in than it would to ask first. */
export const SHORT_BYTES_MAX = 256 * 1024;

/**
 * Asks who calls before a long body is taken in, or one that does not say how long it is: whoever has no valid token is
 * answered while it is still on its way. Of callers who are known the body is read, whatever they may do: it may name
 * patients who are to see that they were asked for. A short body goes on at once, and is decided with its statement.
 * @param served what is answered whoever calls, if anything
 * @param letByMax the bytes that may come after the answer before the connection is ended
 */
export function askBeforeLongBodies(
  room: Room,
  callFor: (request: FastifyRequest) => Call,
  served: (call: Call) => Served | undefined,
  letByMax: number,
): preParsingHookHandler {
  return (request, reply, payload, done) => {
    if (!isLong(request)) return done(null, payload);
    const call = callFor(request);
    answerUnlessKnown(call, request, reply).then(
      (answered) => {
        if (answered) return;
        if (payload.destroyed) done(brokenOff());
        else done(null, payload);
      },
      (error) => done(error),
    );
  };

  async function answerUnlessKnown(
    call: Call,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<boolean> {
    const answer = served(call) ?? (await serveUnknown(room, call));
    if (!answer) return false;
    // Before the answer: Node lets by what nobody listens to until then, however much it is.
    const over = letBy(request, letByMax);
    // Who has it closed after the answer, as proxies do, would lose an answer that is given before all was sent.
    if (!reply.raw.shouldKeepAlive && saidBytes(request) <= letByMax) await over;
    await finish(room, call, reply, answer);
    return true;
  }
}

const saidBytes = ({ headers }: FastifyRequest): number => Number(headers['content-length'] ?? 0);

const isLong = (request: FastifyRequest): boolean =>
  request.headers['transfer-encoding'] !== undefined || saidBytes(request) > SHORT_BYTES_MAX;

/**
 * What still comes is let go by, kept nowhere: a connection that is closed while its other end writes loses the answer,
 * and one that is left as it is can be used again. The server's limit of time for a request goes on meanwhile.
 * @returns when nothing more comes, or the connection was ended because too much did
 */
function letBy({ raw }: FastifyRequest, bytesMax: number): Promise<void> {
  let left = bytesMax;
  return new Promise((over) => {
    if (raw.destroyed) over();
    raw.once('end', over).once('close', over);
    raw.on('data', ({ length }: Buffer) => {
      left -= length;
      if (left < 0) raw.destroy();
    });
  });
}

/** Whose caller left while it was asked who that is. */
const brokenOff = () => Object.assign(new Error('the body broke off'), { statusCode: 400 });
