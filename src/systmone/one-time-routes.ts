import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Context } from '../context.ts';
import { isUnavailable } from '../database/unavailable.ts';
import { outcomeText, Refusal } from '../fhir/http/refusal.ts';
import type { RefusalCode } from '../fhir/http/refusal-codes.ts';
import { NHS_NUMBER_SYSTEM } from './incoming.ts';
import { createOneTimeLaunch, type Decision, type OneTime, organisationNamed } from './one-time-launch.ts';
import { readField } from './profiles/index.ts';

const Body = Type.Object(
  {
    user: Type.String({ maxLength: 64 }),
    patient: Type.Object(
      {
        system: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
        value: Type.String({ minLength: 1, maxLength: 100 }),
      },
      { additionalProperties: false },
    ),
    birthDate: Type.Optional(Type.String({ maxLength: 10 })),
    landing: Type.Optional(
      Type.Union([Type.Literal('summary'), Type.Literal('results'), Type.Literal('letters')]),
    ),
  },
  { additionalProperties: false },
);
type Body = Static<typeof Body>;

const BODY_BYTES_MAX = 4096;

/**
 * `POST /launch/one-time`: a connected system asks for a link that opens a patient's record for one of its users. The
 * organisation is named in `X-Org-Public-Id`. Every answer, refusals too, is recorded before it leaves.
 */
export function oneTimeLaunchRoutes(context: Context) {
  const launch = createOneTimeLaunch(context);

  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler((error, request, reply) => fail(request, reply, null, toRefusal(error)));

    app.post<{ Body: Body }>(
      '/launch/one-time',
      // Who asks is looked at before what they ask: a stranger is not told how to ask rightly.
      { attachValidation: true, bodyLimit: BODY_BYTES_MAX, schema: { body: Body } },
      async (request, reply) => {
        let decision: Decision | null = null;
        try {
          const organisation = organisationNamed(request.headers['x-org-public-id']);
          const tokenHash = bearerHash(request);
          if (!organisation)
            throw new Refusal('organisation-missing', {
              text: 'Name the organisation in the header X-Org-Public-Id: its public id or ODS code.',
            });
          decision = await launch.decide(tokenHash, organisation);
          if (decision.outcome !== 'allowed') throw new Refusal(decision.outcome as RefusalCode);
          if (request.validationError) throw invalid(request.validationError.message);
          const link = await launch.makeLink(decision, wantedOf(request.body));
          await record(request, decision, 'allowed', 201);
          return reply
            .code(201)
            .header('cache-control', 'no-store')
            .send({ url: link.url, expires: link.expires.toISOString() });
        } catch (error) {
          return fail(request, reply, decision, toRefusal(error));
        }
      },
    );
  };

  async function fail(
    request: FastifyRequest,
    reply: FastifyReply,
    decision: Decision | null,
    refusal: Refusal,
  ) {
    if (refusal.status >= 500)
      request.log.error({ err: refusal.cause ?? refusal }, 'a one-time launch failed');
    await record(request, decision, refusal.code, refusal.status);
    return reply
      .code(refusal.status)
      .headers({ 'cache-control': 'no-store', ...refusal.headers })
      .type('application/fhir+json; charset=utf-8')
      .send(outcomeText(refusal, request.id));
  }

  function record(request: FastifyRequest, decision: Decision | null, outcome: string, status: number) {
    return context.audit.record({
      kind: 'fhir',
      interaction: 'operation',
      outcome,
      status,
      requestId: request.id,
      address: request.ip,
      clientId: decision?.clientId,
      connectionId: decision?.connectionId,
      organisationId: decision?.organisationId,
      resourceType: 'Patient',
      detail: '$launch',
    });
  }
}

/** RFC 6750 section 2.1. */
function bearerHash(request: FastifyRequest): Buffer {
  const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (!token) throw new Refusal('token-missing', { headers: { 'www-authenticate': 'Bearer' } });
  return createHash('sha256').update(token).digest();
}

function wantedOf({ user, patient, birthDate, landing }: Body): OneTime {
  const { value: userName } = readField('userName', user);
  if (!userName) throw invalid("user must be a user name: a letter, then letters, numbers and . _ - ' @");
  const system = patient.system ?? NHS_NUMBER_SYSTEM;
  const value = system === NHS_NUMBER_SYSTEM ? readField('nhsNumber', patient.value).value : patient.value;
  if (!value) throw invalid('patient.value must be an NHS number with a right check digit');
  const date = birthDate === undefined ? null : readField('birthDate', birthDate).value;
  if (birthDate !== undefined && !date) throw invalid('birthDate must be a day, YYYY-MM-DD');
  return { userName, patient: { system, value }, birthDate: date, landing: landing ?? 'summary' };
}

const invalid = (diagnostics: string) =>
  new Refusal('request-malformed', {
    issues: [{ code: 'invalid', diagnostics }],
  });

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (isUnavailable(error)) return new Refusal('unavailable', { headers: { 'retry-after': '5' } });
  const status = (error as { statusCode?: number } | null)?.statusCode ?? 500;
  if (status >= 400 && status < 500) return invalid((error as Error).message);
  return Object.assign(new Refusal('internal'), { cause: error });
}
