import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { isUuid } from '../ids.ts';
import { notFound, roleNeeded } from '../web/index.ts';
import { actingOf } from './acting.ts';
import {
  isEncrypted,
  keyNameOf,
  type LaunchConfiguration,
  type LaunchSecret,
  profileName,
  profileWith,
  urlPrefixOf,
} from './configuration.ts';
import { configurationOf, configurationsOf } from './configuration-store.ts';
import { odsCodeOf } from './names-store.ts';
import type { Room } from './room.ts';
import { type FieldError, parseSetUp, type SetUpFields, SetUpForm } from './set-up-form.ts';
import { newSecret } from './set-up-launch.ts';

export const SET_UP = 'set up SystmOne single sign-on';
export const HOME = '/connected-systems/systmone';
const LIVE_MAX = 2;

type IdRoute = { Params: { id: string } };

/** The set-up of a launch link, its page with the secrets (once), its settings, and its end. */
export function setUpRoutes(app: FastifyInstance, room: Room): void {
  const { context, pages, signIn } = room;
  const database = context.database.service;
  const onRequest = signIn.requireRole(['administrator', 'coordinator'], SET_UP);

  app.get(`${HOME}/new`, { onRequest }, async (request, reply) => {
    const { organisationId } = actingOf(request);
    return ask(reply, organisationId, {
      ...DEFAULTS,
      form: randomUUID(),
      practices: await odsCodeOf(database, organisationId),
    });
  });

  app.post<{ Body: SetUpFields }>(
    `${HOME}/new`,
    { onRequest, schema: { body: SetUpForm } },
    async (request, reply) => {
      const acting = actingOf(request);
      const parsed = parseSetUp(request.body);
      const form = { ...request.body, form: isUuid(request.body.form) ? request.body.form : randomUUID() };
      if ('errors' in parsed) return ask(reply.code(422), acting.organisationId, form, parsed.errors);
      const result = await room.setUpLaunch(acting, parsed.choices, form.form);
      if (result.outcome === 'role-needed')
        throw roleNeeded('an organisation administrator or a team coordinator', SET_UP);
      if (result.outcome !== 'made') {
        return pages.render(reply.code(409), 'systmone/not-made.njk', { outcome: result.outcome });
      }
      return pages.render(reply, 'systmone/made.njk', shown(result.configuration, result.secret));
    },
  );

  app.get<IdRoute>(`${HOME}/:id`, { onRequest }, async (request, reply) => {
    const configuration = await wanted(request.params.id, actingOf(request).organisationId);
    return pages.render(reply, 'systmone/configuration.njk', shown(configuration, null));
  });

  app.get<IdRoute>(`${HOME}/:id/withdraw`, { onRequest }, async (request, reply) => {
    const configuration = await wanted(request.params.id, actingOf(request).organisationId);
    if (configuration.withdrawnAt) return reply.redirect(`${HOME}/${configuration.id}`, 303);
    return pages.render(reply, 'systmone/withdraw.njk', { configuration });
  });

  app.post<IdRoute>(`${HOME}/:id/withdraw`, { onRequest }, async (request, reply) => {
    const { id } = request.params;
    if (!isUuid(id)) throw notFound();
    const outcome = await room.withdrawLaunch(actingOf(request), id);
    if (outcome === 'not-found') throw notFound();
    if (outcome === 'role-needed')
      throw roleNeeded('an organisation administrator or a team coordinator', SET_UP);
    const text =
      outcome === 'withdrawn'
        ? 'The link is withdrawn: it opens nothing any more'
        : 'The link was withdrawn already';
    room.flash(reply, { kind: 'success', text });
    return reply.redirect(`${HOME}/${id}`, 303);
  });

  async function wanted(id: string, organisationId: string): Promise<LaunchConfiguration> {
    const configuration = isUuid(id) ? await configurationOf(database, organisationId, id) : null;
    if (!configuration) throw notFound();
    return configuration;
  }

  async function ask(reply: FastifyReply, organisationId: string, form: SetUpFields, errors?: FieldError[]) {
    const live = (await configurationsOf(database, organisationId)).filter(({ withdrawnAt }) => !withdrawnAt);
    return pages.render(reply, 'systmone/new.njk', { form, errors, full: live.length >= LIVE_MAX });
  }

  /** With its secret right after it was made; afterwards the parts alone, which need none. */
  function shown(configuration: LaunchConfiguration, secret: LaunchSecret | null) {
    const profile = profileWith(configuration, secret ?? newSecret(configuration));
    return {
      configuration,
      secret,
      encrypted: isEncrypted(configuration),
      keyName: keyNameOf(configuration.keyId),
      profileName: profileName(configuration),
      urlPrefix: urlPrefixOf(context.baseUrl(), configuration, profile),
      parts: profile.parts,
    };
  }
}

const DEFAULTS: SetUpFields = {
  form: '',
  profile: 'fields',
  cipher: 'aes-256-cbc',
  encoding: 'hex',
  birthDate: 'yes',
  role: '',
  practices: '',
  landing: 'summary',
  allowSwitch: '',
  allowBreakGlass: '',
  understood: '',
};
