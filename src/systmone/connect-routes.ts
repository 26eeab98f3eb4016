import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { tooManyAttempts } from '../sign-in/too-many-attempts.ts';
import type { Answers } from './answer.ts';
import type { Confirmed } from './confirm.ts';
import { organisationName, systemName } from './names-store.ts';
import { refusalPage } from './refusals.ts';
import type { Room } from './room.ts';

const Launch = Type.Object({ launch: Type.String({ default: '', maxLength: 100 }) });
const CodesForm = Type.Object({
  ...Launch.properties,
  first: Type.String({ default: '', maxLength: 100 }),
  second: Type.String({ default: '', maxLength: 100 }),
});

type Waiting = NonNullable<Awaited<ReturnType<Room['waiting']>>>;

/**
 * /systmone/connect: a launch waits for its person to show who they are. The page is the same whether or not the user
 * name is connected with anybody, and says nothing of the patient.
 */
export function connectRoutes(app: FastifyInstance, room: Room, answers: Answers): void {
  const { cookies, context } = room;

  app.get<{ Querystring: Static<typeof Launch> }>(
    '/systmone/connect',
    { schema: { querystring: Launch } },
    async (request, reply) => show(request, reply, await wanted(request, request.query)),
  );

  app.post<{ Body: Static<typeof Launch> }>(
    '/systmone/connect',
    { schema: { body: Launch } },
    async (request, reply) => {
      const waiting = await wanted(request, request.body);
      if (stateOf(request, waiting) !== 'ready') return reply.redirect('/systmone/connect', 303);
      const { accountId, sessionId } = request.staff!;
      return proceed(request, reply, await connect(request, { accountId, method: 'sign-in', sessionId }));
    },
  );

  app.post<{ Body: Static<typeof CodesForm> }>(
    '/systmone/connect/codes',
    { schema: { body: CodesForm } },
    async (request, reply) => {
      const waiting = await wanted(request, request.body);
      const used = await room.useCodes(waiting.organisationId, request.body, request.ip);
      if (used.result === 'right') {
        const { accountId, credentialId } = used;
        return proceed(request, reply, await connect(request, { accountId, method: 'codes', credentialId }));
      }
      const outcome = used.result === 'wait' ? 'too-many-attempts' : 'codes-refused';
      await answers.record(request, { interaction: 'launch-connect', outcome, incoming: waiting });
      if (used.result === 'wait') throw tooManyAttempts(used.seconds);
      const text =
        'These codes are not right, or were used, ended or are too old. Make new ones under My account';
      return show(request, reply.code(422), waiting, [{ field: 'first', text }]);
    },
  );

  /** A page made for one launch must not open another's patient, whom another tab came with since. */
  async function wanted(request: FastifyRequest, { launch }: Static<typeof Launch>): Promise<Waiting> {
    const waiting = await room.waiting(cookies.launchOf(request));
    if (!waiting || (launch !== '' && launch !== waiting.name)) throw refusalPage('request-gone');
    return waiting;
  }

  const connect = (request: FastifyRequest, who: Parameters<Room['confirm']>[1]) =>
    room.confirm(cookies.launchOf(request), who, answers.visitorOf(request));

  async function proceed(request: FastifyRequest, reply: FastifyReply, confirmed: Confirmed) {
    if (confirmed.outcome === 'request-gone') throw refusalPage('request-gone');
    if (confirmed.outcome === 'other-account') {
      const { incoming, accountId } = confirmed;
      await answers.record(request, {
        interaction: 'launch-connect',
        outcome: 'paired-with-another',
        incoming,
        accountId,
      });
      throw refusalPage('paired-with-another');
    }
    return answers.answer(request, reply, confirmed);
  }

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    waiting: Waiting,
    errors?: { field: string; text: string }[],
  ) {
    const [organisation, system] = await Promise.all([
      organisationName(context.database.service, waiting.organisationId),
      waiting.source === 'systmone' ? 'SystmOne' : systemName(context.database.service, waiting.source),
    ]);
    const replayed = waiting.replayed && belongsTo(request, waiting);
    const next = `/systmone/connect?launch=${waiting.name}`;
    if (replayed && !errors) reply.code(409);
    return room.pages.render(reply, 'systmone/connect.njk', {
      state: stateOf(request, waiting),
      // Whoever is still signed in at the organisation would come back at once, whoever sits there now.
      wayIn: await room.signIn.waysIn?.ofOrganisation(
        waiting.organisationId,
        next,
        asksAnew(request, waiting),
      ),
      replayed,
      asksAnew: asksAnew(request, waiting),
      launch: waiting.name,
      organisation,
      system: system ?? 'your clinical system',
      userName: waiting.asked.userName,
      errors,
    });
  }
}

/**
 * Whether the person at this browser has shown who they are: signed in with a second factor, whatever their role asks
 * for otherwise, for this organisation, and for a link that was used elsewhere, since it was opened here.
 */
function stateOf(request: FastifyRequest, waiting: Waiting) {
  const { staff, staffSession } = request;
  if (!staff?.signedIn || !staffSession) return 'sign-in';
  if (!belongsTo(request, waiting)) return 'no-role';
  if (asksAnew(request, waiting)) return 'sign-in';
  if (staff.organisationId !== waiting.organisationId) return 'choose';
  return staff.secondFactor ? 'ready' : 'set-up-code';
}

/**
 * Whether somebody who is signed in has to sign in once more: what is connected here outlasts the session, and a link that
 * was used elsewhere is answered for after it was opened here.
 */
function asksAnew(request: FastifyRequest, waiting: Waiting): boolean {
  const { staff, staffSession } = request;
  if (!staffSession || !belongsTo(request, waiting)) return false;
  return !staff?.recent || (waiting.replayed && staffSession.createdAt < waiting.createdAt);
}

/**
 * Only to the organisation's own people the page says that a link was used elsewhere. Whoever can write links could
 * otherwise learn whether a user has opened a patient.
 */
function belongsTo({ staff }: FastifyRequest, { organisationId }: Waiting): boolean {
  return staff?.signedIn === true && staff.roles.some((role) => role.organisationId === organisationId);
}
