import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteShorthandOptionsWithHandler,
} from 'fastify';
import type { Context } from '../context.ts';
import { serveBundle } from './batch/serve-bundle.ts';
import { capabilityStatement } from './capability/capability-statement.ts';
import type { Definitions } from './definitions/definitions.ts';
import { type Call, callOf, isBundle } from './http/call.ts';
import { finish } from './http/finish.ts';
import { askBeforeLongBodies } from './http/long-bodies.ts';
import { Refusal } from './http/refusal.ts';
import { type Served, serve, serveRefusal } from './http/serve.ts';
import { operationDefinition } from './operations/operation-definitions.ts';
import { createRegisterWorker } from './operations/registering/jobs/worker.ts';
import { createRoom } from './room.ts';

const BODY_BYTES_MAX = 2 * 1024 * 1024;
const BATCH_BYTES_MAX = 20 * 1024 * 1024;
/** The largest attachment, in base64 or as it is, and what stands around it. */
const BINARY_BYTES_MAX = 14 * 1024 * 1024;

/** `/.well-known/smart-configuration` of one FHIR base, from the authorization server's room. */
export type SmartConfiguration = (context: Context, fhirBase: string) => object;

/**
 * FHIR R4 at both kinds of base: `/organisations/{public id or ODS code}/fhir/R4`, and `/fhir/R4` with the header
 * X-Org-Public-Id. Every request under them has one audit record before its answer.
 */
export function fhirRoutes(context: Context, definitions: Definitions, smart: SmartConfiguration) {
  const room = createRoom(context, definitions);
  const worker = createRegisterWorker(room);
  const capabilities = capabilityStatement(context, definitions);

  return async function fhir(app: FastifyInstance): Promise<void> {
    app.removeAllContentTypeParsers();
    // The bytes as they came: what they are is for the interaction to say, after it is known who asks.
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    app.setErrorHandler(onError);
    app.addHook('onReady', async () => worker.start());
    app.addHook('onClose', () => worker.stop());
    for (const { prefix, callFor } of bases(context)) {
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const call = callFor(request);
        const served = openly(call) ?? (await (isBundle(call) ? serveBundle : serve)(room, call));
        return finish(room, call, reply, served);
      };
      const upTo = (bodyLimit: number) => ({
        bodyLimit,
        preParsing: askBeforeLongBodies(room, callFor, openly, bodyLimit),
        handler,
      });
      await app.register(streaming(`${prefix}/Patient/$register`, upTo(BATCH_BYTES_MAX)));
      app.all(prefix, upTo(BATCH_BYTES_MAX));
      app.all(`${prefix}/Binary`, upTo(BINARY_BYTES_MAX));
      app.all(`${prefix}/Binary/*`, upTo(BINARY_BYTES_MAX));
      app.all(`${prefix}/*`, upTo(BODY_BYTES_MAX));
    }
  };

  /** What may be known before a token is had (SMART App Launch 2, "Conformance"). */
  function openly({ method, segments, base }: Call): Served | undefined {
    const [first, second, third] = segments;
    const metadata = first === 'metadata' && second === undefined;
    const wellKnown = first === '.well-known' && second === 'smart-configuration' && third === undefined;
    const definition =
      first === 'OperationDefinition' && third === undefined
        ? operationDefinition(context.baseUrl(), second)
        : undefined;
    if (!metadata && !wellKnown && !definition) return undefined;
    const entry = { interaction: wellKnown ? 'smart-configuration' : 'capabilities' };
    if (method !== 'GET' && method !== 'HEAD') {
      const refusal = new Refusal('method-not-allowed', { headers: { allow: 'GET, HEAD' } });
      return { entry, decision: null, answer: refusal };
    }
    const body = definition ?? (metadata ? capabilities(base) : JSON.stringify(smart(context, base)));
    const headers: Record<string, string> = { 'cache-control': 'no-cache' };
    if (wellKnown) headers['content-type'] = 'application/json; charset=utf-8';
    return { entry, decision: null, answer: { status: 200, body, headers } };
  }

  /** What goes wrong before the handler: a body that is too large or broken off, an address that is none. */
  async function onError(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
    const url = request.raw.url ?? '/';
    const found = bases(context).find(({ matches }) => matches.test(url));
    const call = (found ?? bases(context)[1]!).callFor(request);
    const refusal =
      error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? new Refusal('body-too-large') : clientFault(error);
    return finish(room, call, reply, await serveRefusal(room, call, refusal));
  }
}

/** A registration may be of any length: its body goes on as it comes. */
function streaming(url: string, options: RouteShorthandOptionsWithHandler) {
  return async (app: FastifyInstance): Promise<void> => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.post(url, options);
  };
}

function clientFault(error: FastifyError): unknown {
  const { statusCode = 500 } = error;
  return statusCode >= 400 && statusCode < 500 ? new Refusal('request-malformed') : error;
}

function bases(context: Context) {
  return [
    {
      prefix: '/organisations/:organisation/fhir/R4',
      matches: /^\/organisations\/[^/]*\/fhir\/R4/,
      callFor: (request: FastifyRequest) => {
        const named = /^\/organisations\/([^/]*)\//.exec(request.raw.url ?? '')?.[1] ?? '';
        return callOf(request, `${context.baseUrl()}/organisations/${named}/fhir/R4`, named);
      },
    },
    {
      prefix: '/fhir/R4',
      matches: /^\/fhir\/R4/,
      callFor: (request: FastifyRequest) => {
        const header = request.headers['x-org-public-id'];
        return callOf(
          request,
          `${context.baseUrl()}/fhir/R4`,
          typeof header === 'string' ? header.trim() : undefined,
        );
      },
    },
  ];
}
