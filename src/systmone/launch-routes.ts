import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type AttemptLimit, networkOf, withinHour } from '../sign-in/index.ts';
import type { Answers } from './answer.ts';
import { type LaunchConfiguration, profileOf } from './configuration.ts';
import { configurationByKey } from './configuration-store.ts';
import { isConnectedDevice } from './devices.ts';
import { type Incoming, NHS_NUMBER_SYSTEM } from './incoming.ts';
import { insertEvent } from './launch-store.ts';
import type { LaunchFields } from './profiles/index.ts';
import { REFUSALS, type RefusalCode, refusalPage } from './refusals.ts';
import type { Room } from './room.ts';
import { keyed } from './sealed.ts';

/** A link set up wrongly troubles its own configuration alone; one that is right is never held up. */
const UNREADABLE: AttemptLimit = {
  purpose: 'launch-unreadable',
  free: 30,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};
/** Within an hour: enough for the day on which a whole hospital connects from one address. */
const UNPAIRED: AttemptLimit = {
  purpose: 'launch-unpaired',
  free: 300,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

/** Enough for a day of patients who are not here, and hopeless for trying dates of birth. */
const NOT_FOUND: AttemptLimit = {
  purpose: 'launch-not-found',
  free: 60,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};
/** So many of one link's refusals from one network are shown to administrators; the audit has each of them. */
const REPORTED: AttemptLimit = {
  purpose: 'launch-reported',
  free: 100,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

/**
 * Where a link says nothing of its own time it is the same for a user and a patient each time. So long after its last
 * use it is remembered in whose browser: what comes from another one is a copy until the person has shown otherwise.
 */
const REMEMBERED_SECONDS = 90 * 86_400;
const CLOCK_SKEW_SECONDS = 60;

/** As configurations have it: what else stands there is recorded and refused, and never asked of the database. */
const KEY_ID = /^[\w-]{22}$/;

/** /systmone/launch/{key}: what SystmOne opens. Whatever comes of it, the next address identifies nobody. */
export function launchRoutes(app: FastifyInstance, room: Room, answers: Answers): void {
  const { context } = room;
  const { attempts } = room.signIn;

  app.get<{ Params: { keyId: string } }>('/systmone/launch/:keyId', async (request, reply) => {
    const { keyId } = request.params;
    const configuration = KEY_ID.test(keyId) && (await configurationByKey(context.database.service, keyId));
    if (!configuration) return answers.refuse(request, reply, 'launch-withdrawn');
    if (configuration.withdrawnAt) return refused(request, reply, configuration, 'launch-withdrawn');

    const cut = request.url.indexOf('?');
    const query = cut < 0 ? '' : request.url.slice(cut + 1);
    const { fields } = profileOf(configuration, context.secrets.encryptionKey).inspect(query);
    const network = withinHour(`${configuration.id} ${networkOf(request.ip)}`, context.now());
    if (!fields) {
      const blocked = await attempts.count(UNREADABLE, network, context.now());
      return refused(
        request,
        reply,
        configuration,
        blocked === null ? 'launch-unreadable' : 'too-many-attempts',
      );
    }
    if (!inTime(fields, context.now()))
      return refused(request, reply, configuration, 'launch-expired', fields);
    if (!configuration.practices.includes(fields.organisation)) {
      return refused(request, reply, configuration, 'launch-wrong-practice', fields);
    }
    const blocked = await attempts.blocked(UNPAIRED, network, context.now());
    if (
      blocked !== null &&
      !(await isConnectedDevice(context.database.service, room.cookies.deviceOf(request)))
    ) {
      return refused(request, reply, configuration, 'too-many-attempts');
    }
    return arrive(request, reply, incomingOf(configuration, fields), () =>
      attempts.count(UNPAIRED, network, context.now()),
    );
  });

  app.get<{ Params: { token: string } }>(
    '/launch/one-time/:token',
    // A look at the head of a link must not use it up.
    { exposeHeadRoute: false },
    async (request, reply) => {
      const incoming = await room.openLink(request.params.token);
      if (!incoming) return answers.refuse(request, reply, 'request-gone');
      return arrive(request, reply, incoming);
    },
  );

  app.get<{ Params: { code: string } }>('/systmone/refused/:code', async (request, reply) => {
    const { code } = request.params;
    const known = Object.hasOwn(REFUSALS, code) ? (code as RefusalCode) : 'request-gone';
    const reference = /^[0-9a-f-]{36}$/.exec(
      String((request.query as Record<string, unknown>).reference),
    )?.[0];
    const page = refusalPage(known);
    if (page.status === 429) reply.header('retry-after', '900');
    return room.pages.render(reply.code(page.status), 'systmone/refused.njk', { refusal: page, reference });
  });

  /** Whoever is connected may not try patients and dates of birth for ever; nobody else is told that they may not. */
  async function arrive(
    request: FastifyRequest,
    reply: FastifyReply,
    incoming: Incoming,
    unpaired?: () => Promise<unknown>,
  ) {
    const { organisationId, source, configurationId, asked } = incoming;
    const user = JSON.stringify([organisationId, source, asked.userName.toLowerCase()]);
    const blocked = await attempts.blocked(NOT_FOUND, user, context.now());
    if (
      blocked !== null &&
      (await isConnectedDevice(context.database.service, room.cookies.deviceOf(request)))
    ) {
      return answers.refuse(request, reply, 'too-many-attempts', {
        organisationId,
        configurationId: configurationId ?? undefined,
      });
    }
    const arrival = await room.arrive(incoming, answers.visitorOf(request));
    if (arrival.outcome === 'not-paired' || arrival.outcome === 'link-reused') await unpaired?.();
    // A wrong date of birth and an unknown number alike, or the limit would tell them apart.
    if (arrival.outcome === 'patient-not-found' || arrival.outcome === 'birth-date-mismatch') {
      await attempts.count(NOT_FOUND, user, context.now());
    }
    return answers.answer(request, reply, arrival);
  }

  /** Records and reports a launch that got no further than its link. */
  async function refused(
    request: FastifyRequest,
    reply: FastifyReply,
    { id, organisationId }: LaunchConfiguration,
    code: RefusalCode,
    fields?: LaunchFields,
  ) {
    // A flood of tries is one story: the audit has each of them, administrators are not shown the same line for ever.
    if (code === 'too-many-attempts')
      return answers.refuse(request, reply, code, { organisationId, configurationId: id });
    const network = withinHour(`${id} ${networkOf(request.ip)}`, context.now());
    const said = await attempts.count(REPORTED, network, context.now());
    if (said !== null) return answers.refuse(request, reply, code, { organisationId, configurationId: id });
    await insertEvent(context.database.service, {
      organisationId,
      configurationId: id,
      source: 'systmone',
      at: context.now(),
      outcome: code,
      userName: fields?.userName ?? null,
      accountId: null,
      address: request.ip,
      requestId: request.id,
    });
    return answers.refuse(request, reply, code, { organisationId, configurationId: id });
  }

  function incomingOf(configuration: LaunchConfiguration, fields: LaunchFields): Incoming {
    const window = fields.expires ?? new Date(context.now().getTime() + REMEMBERED_SECONDS * 1000);
    return {
      organisationId: configuration.organisationId,
      source: 'systmone',
      configurationId: configuration.id,
      connectionId: null,
      // By what it says and not by its letters: another way of writing the same link is the same link.
      digest: keyed(context.secrets.pepper, 'link', configuration.id, JSON.stringify(fields)),
      asked: {
        userName: fields.userName,
        patient: { system: NHS_NUMBER_SYSTEM, value: fields.nhsNumber },
        birthDate: fields.birthDate,
        landing: configuration.landing,
        locked: !configuration.allowSwitch,
        breakGlass: configuration.allowBreakGlass,
        openedBy: 'systmone',
        window: window.toISOString(),
      },
    };
  }
}

const inTime = ({ notBefore, expires }: LaunchFields, now: Date): boolean =>
  (!expires || expires > now) &&
  (!notBefore || notBefore.getTime() <= now.getTime() + CLOCK_SKEW_SECONDS * 1000);
