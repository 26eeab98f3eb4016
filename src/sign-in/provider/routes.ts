import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { notFound, sameText } from '../../web/index.ts';
import { type AttemptLimit, networkOf, withinHour } from '../attempts.ts';
import { safeNextPath } from '../next-path.ts';
import { callbackPath, problemOf, startPath, type Vouched } from './ask-provider.ts';
import type { Pending, StartedFlow } from './cookies.ts';
import { IDENTITY_PAGE } from './identity-routes.ts';
import { REFUSALS, type RefusalCode } from './refusals.ts';
import type { ProviderRoom } from './room.ts';
import { showsSecondFactor } from './second-factor.ts';
import { type Provider, providerOf, useIdentity } from './store.ts';

/** What comes to nothing is counted, for it made us ask a provider; within an hour, enough for a hospital behind one address. */
const PER_NETWORK: AttemptLimit = {
  purpose: 'organisation-sign-in',
  free: 300,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

const AGAIN = new Set<string>(['cancelled', 'no-second-factor', 'not-right'] satisfies RefusalCode[]);

/**
 * No provider was asked: any web page can make its visitors' browsers send answers that they never asked for, and with
 * them would keep a whole hospital from signing in.
 */
const UNASKED = new Set<string>(['too-many-attempts', 'start-again'] satisfies RefusalCode[]);

const SUBJECT_LENGTH_MAX = 255; // OpenID Connect Core 1.0 section 2

const Start = Type.Object({ next: Type.Optional(Type.String()), again: Type.Optional(Type.Literal('yes')) });
type StartRoute = { Params: { odsCode: string }; Querystring: Static<typeof Start> };
type Said = { next: string; provider?: Provider | null; accountId?: string; reason?: string };

/** /sign-in/with/{ODS code}: to the organisation's own sign-in and back. */
export function providerRoutes(app: FastifyInstance, room: ProviderRoom): void {
  const { ask, cookies, database, attempts, record, now } = room;
  // A look at the head of an address begins nothing and uses nothing up.
  const exposeHeadRoute = false;

  // By a link and not a form: `form-action` of our policy holds for where a form's answer leads as well.
  app.get<StartRoute>(
    startPath(':odsCode'),
    { exposeHeadRoute, schema: { querystring: Start } },
    async (request, reply) => {
      const provider = await providerOf(database, request.params);
      if (!provider) throw notFound();
      const next = safeNextPath(request.query.next);
      const blocked = await attempts.blocked(PER_NETWORK, networkOfRequest(request), now());
      if (blocked !== null) return refuse(request, reply, 'too-many-attempts', { next, provider });
      try {
        const { url, flow } = await ask.begin(provider, { again: request.query.again === 'yes' });
        cookies.flow.keep(reply, { ...flow, next });
        return reply.redirect(url.href, 303);
      } catch (error) {
        return refuse(request, reply, 'away', { next, provider, reason: codeOf(request, error) });
      }
    },
  );

  app.get<{ Params: { odsCode: string } }>(
    callbackPath(':odsCode'),
    { exposeHeadRoute },
    async (request, reply) => {
      const provider = await providerOf(database, request.params);
      const flow = cookies.flow.of(request);
      const { state } = request.query as { state?: unknown };
      const ours = provider && flow?.providerId === provider.id;
      if (!ours || typeof state !== 'string' || !sameText(state, flow.state)) {
        const reason = flow ? 'state-differs' : 'not-begun-here';
        return refuse(request, reply, 'start-again', { next: '/', provider, reason });
      }
      cookies.flow.drop(reply);
      return answered(request, reply, provider, flow);
    },
  );

  app.get<{ Params: { code: string }; Querystring: { next?: unknown; reference?: unknown; at?: unknown } }>(
    '/sign-in/refused/:code',
    async (request, reply) => {
      const { code } = request.params;
      const refusal = REFUSALS[Object.hasOwn(REFUSALS, code) ? (code as RefusalCode) : 'start-again'];
      const next = safeNextPath(request.query.next);
      if (refusal.status !== 403) reply.header('retry-after', refusal.status === 429 ? '900' : '120');
      return room.pages.render(reply.code(refusal.status), 'sign-in/refused.njk', {
        refusal,
        next,
        reference: /^[0-9a-f-]{36}$/.exec(String(request.query.reference))?.[0],
        // Asked anew, for a provider at which they are signed in already would say the same again.
        wayIn: AGAIN.has(code) && (await room.waysIn.ofCode(String(request.query.at), next, true)),
      });
    },
  );

  async function answered(
    request: FastifyRequest,
    reply: FastifyReply,
    provider: Provider,
    flow: StartedFlow,
  ) {
    const { id: providerId, organisationId } = provider;
    const { next } = flow;
    let vouched: Vouched;
    try {
      vouched = await ask.finish(provider, flow, request.url.slice(request.url.indexOf('?')));
    } catch (error) {
      const { problem } = problemOf(error);
      return refuse(request, reply, problem, { next, provider, reason: codeOf(request, error) });
    }
    const { subject, label, claims } = vouched;
    if (subject.length > SUBJECT_LENGTH_MAX) {
      return refuse(request, reply, 'not-right', { next, provider, reason: 'subject' });
    }
    if (!showsSecondFactor(claims, provider)) {
      return refuse(request, reply, 'no-second-factor', { next, provider });
    }
    const identity = await useIdentity(database, { providerId, subject, now: now() });
    if (!identity) return notConnected(request, reply, provider, { providerId, subject, label, next });
    const { identityId, accountId } = identity;
    const account = await room.store.accountById(accountId);
    const roles = account?.roles.filter((role) => role.organisationId === organisationId) ?? [];
    if (!account || roles.length === 0) {
      return refuse(request, reply, 'no-role', { next, provider, accountId });
    }
    await record(request, {
      action: 'sign-in-with-organisation',
      outcome: 'success',
      accountId,
      organisationId,
    });
    await room.sessions.openVouched(request, reply, { ...account, roles }, { organisationId, identityId });
    cookies.remember(reply, provider.odsCode);
    return reply.redirect(next, 303);
  }

  /** No account is guessed from what a provider says; the person ties the two, having signed in here. */
  async function notConnected(
    request: FastifyRequest,
    reply: FastifyReply,
    { organisationId }: Provider,
    pending: Pending,
  ) {
    await record(request, {
      action: 'sign-in-with-organisation',
      outcome: 'failure',
      status: 303,
      organisationId,
      details: { reason: 'not-connected' },
    });
    cookies.pending.keep(reply, pending);
    return reply.redirect(request.staff ? IDENTITY_PAGE : '/sign-in/not-connected', 303);
  }

  async function refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    code: RefusalCode,
    { next, provider, accountId, reason }: Said,
  ) {
    if (!UNASKED.has(code)) await attempts.count(PER_NETWORK, networkOfRequest(request), now());
    await record(request, {
      action: 'sign-in-with-organisation',
      outcome: 'failure',
      status: 303,
      organisationId: provider?.organisationId,
      accountId,
      details: { reason: code, ...(reason !== undefined && { code: reason }) },
    });
    const query = new URLSearchParams({ next, reference: request.id });
    if (provider) query.append('at', provider.odsCode);
    return reply.redirect(`/sign-in/refused/${code}?${query}`, 303);
  }

  const networkOfRequest = ({ ip }: FastifyRequest) => withinHour(networkOf(ip), now());

  /** The code alone: the library's errors carry the provider's answer, tokens and all. */
  function codeOf(request: FastifyRequest, error: unknown): string {
    const { problem, code } = problemOf(error);
    if (problem !== 'cancelled') request.log.warn({ code }, "an organisation's sign-in failed");
    return code;
  }
}
