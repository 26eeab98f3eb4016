import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { PoolClient } from 'pg';
import { type Static, Type } from 'typebox';
import { KINDS } from '../../attachments/index.ts';
import { notFound } from '../../web/index.ts';
import { asPatient } from '../as-patient.ts';
import { patientOf } from '../require-patient.ts';
import type { Room } from '../room.ts';
import { isOpening } from './opening.ts';
import { fileName, type Part, partsOf } from './parts-of.ts';
import {
  findBinary,
  findLetter,
  isUnchanged,
  type OpenedLetter,
  readLetter,
  replacedLetters,
} from './store.ts';

const Letter = Type.Object({ id: Type.String({ format: 'uuid' }) });
const File = Type.Object({ id: Type.String({ format: 'uuid' }), at: Type.String({ pattern: '^\\d{1,2}$' }) });
const Download = Type.Object({ download: Type.Optional(Type.String({ maxLength: 10 })) });

const IMAGES: readonly string[] = ['png', 'jpeg', 'gif', 'webp'];

/** /my/letters/{id} and its attachments. Whichever of them first hands out the letter's content sets the receipt. */
export function openRoutes(app: FastifyInstance, room: Room): void {
  const onRequest = room.requirePatient;
  const { pages, record, context } = room;

  /** The letter and the part of it that is shown; the receipt stands before anything leaves. */
  async function open(request: FastifyRequest, id: string, shows: (parts: Part[]) => boolean) {
    const opening = isOpening(request);
    const { accountId, patientId } = patientOf(request);
    const look = async (client: PoolClient) => {
      const letter = await findLetter(client, patientId, id.toLowerCase());
      if (!letter) return null;
      const parts = await partsOf(letter.content, context.baseUrl(), (binary) =>
        findBinary(client, patientId, letter.organisationId, binary),
      );
      const read = opening && shows(parts) && (await readLetter(client, letter.id));
      if (read && !(await isUnchanged(client, letter))) throw CHANGED;
      return { letter, parts, read, replaced: await replacedLetters(client, patientId, letter.id) };
    };
    const once = () => asPatient(context.database.service, accountId, look);
    const opened = await once().catch((error) => {
      if (error !== CHANGED) throw error;
      return once();
    });
    if (!opened) throw notFound();
    const { letter, read } = opened;
    await record(request, {
      action: 'my-letter',
      outcome: 'allowed',
      status: 200,
      accountId,
      patientId,
      organisationId: letter.organisationId,
      resourceType: 'DocumentReference',
      resourceId: letter.id,
      detail: read ? 'first read' : undefined,
    });
    return opened;
  }

  app.get<{ Params: Static<typeof Letter> }>(
    '/my/letters/:id',
    { onRequest, schema: { params: Letter } },
    async (request, reply) => {
      const { letter, parts, replaced } = await open(request, request.params.id, isShownOnPage);
      return pages.render(reply, 'patients/letters/letter.njk', {
        letter: withoutContent(letter),
        replaced,
        parts: parts.map((part, at) => ({
          ...part,
          bytes: undefined,
          at,
          words: part.kind && KINDS[part.kind].words,
          isImage: part.kind !== null && IMAGES.includes(part.kind),
          kilobytes: Math.max(1, Math.round((part.bytes?.length ?? 0) / 1024)),
        })),
      });
    },
  );

  app.get<{ Params: Static<typeof File>; Querystring: Static<typeof Download> }>(
    '/my/letters/:id/parts/:at',
    { onRequest, schema: { params: File, querystring: Download } },
    async (request, reply) => {
      const at = Number(request.params.at);
      const { parts } = await open(request, request.params.id, (all) => all[at]?.bytes !== undefined);
      const part = parts[at];
      if (!part?.kind || !part.bytes) throw notFound();
      // An HTML letter is read on the page; as a file of its own it is only taken away.
      const disposition =
        request.query.download !== undefined || part.kind === 'html' || part.kind === 'text'
          ? 'attachment'
          : 'inline';
      return reply
        .header('content-disposition', `${disposition}; filename="${fileName(part.title, part.kind)}"`)
        .header('content-security-policy', "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'")
        .type(part.kind === 'text' ? 'text/plain; charset=utf-8' : KINDS[part.kind].contentType)
        .send(part.bytes);
    },
  );
}

/** The sender changed the letter while it was opened: the receipt would be for what the patient has not seen. */
const CHANGED = new Error('the letter was changed while it was opened');

/** Text and pictures stand on the letter's page; a PDF has been read when it was opened, not when it was offered. */
const isShownOnPage = (parts: Part[]) => parts.some(({ kind }) => kind !== null && kind !== 'pdf');

const withoutContent = ({ content: _content, ...letter }: OpenedLetter) => letter;
