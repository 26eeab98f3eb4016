import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hashPersonal } from '../audit/audit.ts';
import type { Context } from '../context.ts';
import { type Answer, type AnswerRequest, createAnswerer, failed, unavailable } from './answer-request.ts';
import { type Endpoint, PATHS } from './endpoints.ts';
import { createFetchJwks, type FetchJwks } from './fetch-jwks.ts';
import { authorizationServerMetadata } from './metadata.ts';
import { invalidRequest, OAuthError } from './oauth-error.ts';
import { createRefreshKeys } from './refresh-keys.ts';
import { startSweep } from './sweep.ts';

/** Far more than any honest request needs. */
const BODY_BYTES_MAX = 16 * 1024;

/**
 * The authorization server's routes (RFC 6749, 7009, 7662, 8414), for systems; people have no part in it.
 * @param options.fetchJwks for tests; the right one refuses everything but public addresses.
 */
export function oauthRoutes(context: Context, options: { fetchJwks?: FetchJwks } = {}) {
  const fetchJwks = options.fetchJwks ?? createFetchJwks();
  const refreshKeys = createRefreshKeys({ pool: context.database.service, fetchJwks, log: context.log });
  // Made on first use: the address, which everything names, is known once the server listens.
  let answerer: AnswerRequest | undefined;
  const answerRequest: AnswerRequest = (endpoint, request) => {
    answerer ??= createAnswerer(context, refreshKeys);
    return answerer(endpoint, request);
  };

  return async (app: FastifyInstance) => {
    // Any body is taken as text here: what it may be is for `readForm` to say, as an OAuth error.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    );

    for (const endpoint of ['token', 'introspect', 'revoke'] as const) {
      const send = (request: FastifyRequest, reply: FastifyReply, answer: Answer) =>
        sendAudited(context, endpoint, request, reply, answer);

      const errorHandler = (error: Error, request: FastifyRequest, reply: FastifyReply) =>
        send(request, reply, failed(readingError(error)));

      app.post(PATHS[endpoint], { errorHandler }, async (request, reply) => {
        const { 'content-type': contentType, authorization } = request.headers;
        const body = typeof request.body === 'string' ? request.body : '';
        return send(
          request,
          reply,
          await answerRequest(endpoint, { contentType, authorization, body, address: request.ip }),
        );
      });
      const others = app.supportedMethods.filter((method) => method !== 'POST');
      app.route({
        method: others,
        url: PATHS[endpoint],
        errorHandler,
        handler: (request, reply) => send(request, reply.header('allow', 'POST'), failed(NOT_POST)),
      });
    }

    app.get(PATHS.metadata, async (_request, reply) =>
      reply
        .header('cache-control', 'public, max-age=300')
        .send(authorizationServerMetadata(context.baseUrl())),
    );

    const stopSweep = startSweep(context);
    app.addHook('onClose', stopSweep);
  };
}

const NOT_POST = invalidRequest('send this request by POST', 405);

/** Sends an answer once its audit record is durable; without one, nothing is answered but "later". */
async function sendAudited(
  context: Context,
  endpoint: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
) {
  try {
    await context.audit.record({
      kind: 'token',
      interaction: endpoint,
      outcome: answer.outcome,
      status: answer.status,
      requestId: request.id,
      address: request.ip,
      clientId: answer.known ? answer.clientId : null,
      organisationId: answer.organisationId,
      detail: detailOf(context, answer),
    });
  } catch (error) {
    context.log.error({ err: error }, 'a token request could not be audited');
    return sendAnswer(context, reply, failed(unavailable()));
  }
  return sendAnswer(context, reply, answer);
}

function detailOf({ secrets }: Context, { clientId, known, detail, error }: Answer) {
  if (clientId === undefined || !error) return detail;
  // What someone typed in the place of a client id may be anything, a secret pasted into the wrong field for one. It
  // is hashed for a known one too, so that the time does not tell which are known.
  const hashed = `client ${hashPersonal(secrets, clientId)}`;
  return known ? detail : hashed;
}

function sendAnswer(context: Context, reply: FastifyReply, { status, body, error }: Answer) {
  reply.code(status).header('cache-control', 'no-store').header('pragma', 'no-cache'); // RFC 6749 section 5.1
  if (error?.retryAfterS !== undefined) reply.header('retry-after', String(error.retryAfterS));
  if (status === 401) reply.header('www-authenticate', `Basic realm="${context.baseUrl()}", charset="UTF-8"`);
  if (body !== '') reply.type('application/json; charset=utf-8');
  return reply.send(body);
}

function readingError(error: Error & { code?: string; statusCode?: number }) {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return invalidRequest(`the body is larger than ${BODY_BYTES_MAX} bytes`, 413);
  }
  if (error.statusCode && error.statusCode < 500) return invalidRequest('the request could not be read');
  return error instanceof OAuthError ? error : new Error('unexpected', { cause: error });
}
