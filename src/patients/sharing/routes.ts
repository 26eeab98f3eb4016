import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { labelBits } from '../../connections/privacy-labels.ts';
import { notFound } from '../../web/index.ts';
import { asPatient } from '../as-patient.ts';
import { patientOf } from '../require-patient.ts';
import type { Room } from '../room.ts';
import { labelChoices, labelsInWords } from './labels-in-words.ts';
import { chooseSharing, listChoices, listSharing, PAGE_SIZE } from './store.ts';

const Organisation = Type.Object({ organisation: Type.String({ format: 'uuid' }) });
const Labels = Type.Object({
  labels: Type.Optional(
    Type.Union([
      Type.String({ maxLength: 40 }),
      Type.Array(Type.String({ maxLength: 40 }), { maxItems: 10 }),
    ]),
  ),
});
const Paged = Type.Object({ page: Type.String({ default: '', maxLength: 20 }) });

/** /my/sharing: which organisations see what others wrote, and the choices that led there. */
export function sharingRoutes(app: FastifyInstance, room: Room): void {
  const { pages, record, flash, context } = room;
  const onRequest = room.requirePatient;
  const pool = context.database.service;

  /** Everything on the page, of one moment. */
  const sharingOf = (request: FastifyRequest) =>
    asPatient(pool, patientOf(request).accountId, (client, patientId) => listSharing(client, patientId));

  async function oneOf(request: FastifyRequest, organisationId: string) {
    const one = (await sharingOf(request))?.find(
      (each) => each.organisationId === organisationId.toLowerCase(),
    );
    if (!one) throw notFound();
    return one;
  }

  app.get<{ Querystring: Static<typeof Paged> }>(
    '/my/sharing',
    { onRequest, schema: { querystring: Paged } },
    async (request, reply) => {
      const page = /^[1-9]\d{0,4}$/.test(request.query.page) ? Number(request.query.page) : 1;
      const found = await asPatient(pool, patientOf(request).accountId, async (client, patientId) => ({
        sharing: await listSharing(client, patientId),
        choices: await listChoices(client, patientId, page),
      }));
      if (!found) return reply.redirect('/my/sign-in', 303);
      const { sharing, choices } = found;
      return pages.render(reply, 'patients/sharing/list.njk', {
        sharing: sharing.map((one) => ({ ...one, words: labelsInWords(one.sharedLabels) })),
        sharesAny: sharing.some(({ sharedLabels }) => sharedLabels > 0),
        choices: choices.rows.map((choice) => ({
          ...choice,
          from: labelsInWords(choice.labelsBefore),
          to: labelsInWords(choice.labels),
        })),
        total: choices.total,
        page,
        pageSize: PAGE_SIZE,
        pages: Math.ceil(choices.total / PAGE_SIZE),
      });
    },
  );

  app.get<{ Params: Static<typeof Organisation> }>(
    '/my/sharing/:organisation',
    { onRequest, schema: { params: Organisation } },
    async (request, reply) => {
      const one = await oneOf(request, request.params.organisation);
      return pages.render(reply, 'patients/sharing/change.njk', {
        one,
        labels: labelChoices(one.sharedLabels),
      });
    },
  );

  app.post<{ Params: Static<typeof Organisation>; Body: Static<typeof Labels> }>(
    '/my/sharing/:organisation',
    { onRequest, schema: { params: Organisation, body: Labels } },
    async (request, reply) => {
      const one = await oneOf(request, request.params.organisation);
      const labels = labelBits([request.body.labels ?? []].flat());
      await choose(request, [one.organisationId], labels, false);
      flash(reply, { kind: 'success', text: 'Your choice holds from now on' });
      return reply.redirect('/my/sharing', 303);
    },
  );

  app.get('/my/sharing/stop', { onRequest }, async (request, reply) => {
    const sharing = (await sharingOf(request)) ?? [];
    return pages.render(reply, 'patients/sharing/stop.njk', {
      sharing: sharing
        .filter(({ sharedLabels }) => sharedLabels > 0)
        .map((one) => ({ ...one, words: labelsInWords(one.sharedLabels) })),
    });
  });

  app.post('/my/sharing/stop', { onRequest }, async (request, reply) => {
    const sharing = (await sharingOf(request)) ?? [];
    await choose(
      request,
      sharing.map(({ organisationId }) => organisationId),
      0,
      true,
    );
    flash(reply, { kind: 'success', text: 'All sharing has stopped' });
    return reply.redirect('/my/sharing', 303);
  });

  /** Keeps the choices, all in one transaction, and records each. */
  async function choose(
    request: FastifyRequest,
    organisations: string[],
    labels: number,
    stoppedAll: boolean,
  ) {
    const { accountId, patientId } = patientOf(request);
    await asPatient(pool, accountId, async (client) => {
      for (const organisationId of organisations) {
        await chooseSharing(client, patientId, { organisationId, labels, stoppedAll });
      }
    });
    for (const organisationId of organisations) {
      await record(request, {
        action: 'my-sharing',
        outcome: 'allowed',
        status: 303,
        accountId,
        patientId,
        organisationId,
        detail: `shares ${labelsInWords(labels)}`,
      });
    }
  }
}
