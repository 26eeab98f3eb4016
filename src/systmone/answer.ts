import type { FastifyReply, FastifyRequest } from 'fastify';
import { hashNumbers, hashPersonal } from '../audit/audit.ts';
import { recordPath } from '../record-context/index.ts';
import type { Arrival } from './arrive.ts';
import type { Confirmed } from './confirm.ts';
import type { Incoming, Visitor } from './incoming.ts';
import { codeOf, type RefusalCode, refusalPath } from './refusals.ts';
import type { Room } from './room.ts';

type Told = {
  interaction: 'launch' | 'launch-connect';
  outcome: string;
  incoming?: Incoming;
  organisationId?: string;
  configurationId?: string;
  accountId?: string | null;
  patientId?: string;
  paired?: string;
  secondBrowser?: boolean;
};

/** How launches are answered: recorded first, then cookies, then an address that identifies nobody. */
export function createAnswers(room: Room) {
  const { context, cookies, records, signIn } = room;

  const visitorOf = (request: FastifyRequest): Visitor => ({
    address: request.ip,
    requestId: request.id,
    userAgent: String(request.headers['user-agent'] ?? ''),
    deviceCookie: cookies.deviceOf(request),
  });

  function record(request: FastifyRequest, told: Told): Promise<void> {
    const { incoming } = told;
    return context.audit.record({
      kind: 'page',
      interaction: told.interaction,
      outcome: told.outcome,
      status: 303,
      requestId: request.id,
      address: request.ip,
      organisationId: incoming?.organisationId ?? told.organisationId,
      accountId: told.accountId,
      clientId: incoming && incoming.source !== 'systmone' ? incoming.source : null,
      connectionId: incoming?.connectionId,
      patients: told.patientId ? [told.patientId] : null,
      // Whoever may be anybody fills no patient's list.
      named:
        told.accountId && incoming && !told.patientId
          ? hashNumbers(context.secrets, [incoming.asked.patient.value])
          : null,
      detail: JSON.stringify({
        configuration: incoming?.configurationId ?? told.configurationId,
        // The same user gives the same hash, so that guessing names can be seen; the name itself stays out.
        user: incoming && hashPersonal(context.secrets, incoming.asked.userName.toLowerCase()),
        pairing: told.paired,
        secondBrowser: told.secondBrowser,
      }),
    });
  }

  async function refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    code: RefusalCode,
    told: Omit<Told, 'interaction' | 'outcome'> = {},
  ) {
    await record(request, { interaction: 'launch', outcome: code, ...told });
    return reply.redirect(refusalPath(code, request.id), 303);
  }

  /** Where a launch leads that found its way through `arrive` or `confirm`. */
  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    came: Arrival | Exclude<Confirmed, { outcome: 'request-gone' | 'other-account' }>,
  ) {
    const { incoming, accountId } = came;
    const patientId = came.outcome === 'allowed' ? came.patientId : undefined;
    const paired = 'paired' in came ? came.paired : undefined;
    const secondBrowser = 'secondBrowser' in came ? came.secondBrowser : undefined;
    const interaction = paired ? 'launch-connect' : 'launch';
    const { outcome } = came;
    await record(request, { interaction, outcome, incoming, accountId, patientId, paired, secondBrowser });
    cookies.keepDevice(reply, came.deviceToken);
    if ('requestToken' in came) {
      cookies.keepLaunch(reply, came.requestToken);
      return reply.redirect('/systmone/connect', 303);
    }
    cookies.dropLaunch(reply);
    if (came.outcome !== 'allowed') return reply.redirect(refusalPath(codeOf(came.outcome), request.id), 303);

    const { organisationId, asked } = incoming;
    const { openedBy } = asked;
    const sessionId = await signIn.openLaunchedSession(request, reply, {
      accountId: came.accountId,
      organisationId,
      openedBy,
    });
    if (!sessionId) return reply.redirect(refusalPath('no-role', request.id), 303);
    const opened = await records.openContext({
      sessionId,
      accountId: came.accountId,
      organisationId,
      patientId: came.patientId,
      locked: asked.locked,
      breakGlass: asked.breakGlass,
      openedBy,
    });
    return reply.redirect(recordPath(opened, asked.landing), 303);
  }

  return { visitorOf, record, refuse, answer };
}

export type Answers = ReturnType<typeof createAnswers>;
