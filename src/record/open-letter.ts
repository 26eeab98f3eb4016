import type { Attachment } from '@medplum/fhirtypes';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import {
  type ContentKind,
  contentKind,
  createHtmlBudget,
  htmlPage,
  KINDS,
  safeHtml,
  textOf,
} from '../attachments/index.ts';
import { isUuid } from '../ids.ts';
import { notFound, type Web } from '../web/index.ts';
import { frameData } from './frame-data.ts';
import { letterDocument } from './letter-document.ts';
import { type OpenRecord, parameters } from './open-record.ts';
import { readBanner, sourceOf } from './read-record.ts';
import { readLetter } from './store.ts';
import { letterView } from './views/letter.ts';

type Needs = {
  path: string;
  onRequest: onRequestHookHandler;
  open: (request: FastifyRequest) => Promise<OpenRecord>;
  now: () => Date;
  baseUrl: () => string;
};

/** A letter with its text, where it has one to show. Being read here is no receipt: only the patient gives that. */
export function openLetter(
  app: FastifyInstance,
  { path, pages, onRequest, open, now, baseUrl }: Needs & { pages: Web['pages'] },
): void {
  app.get(`${path}/letter`, { onRequest }, async (request, reply) => {
    const record = await open(request);
    const { row, letter, banner } = await find(record, request, now(), baseUrl());
    const takeHtml = createHtmlBudget();
    return pages.render(reply, 'record/letter.njk', {
      ...frameData(record, banner),
      letter: { ...letterView(letter), ...sourceOf(row) },
      attachments: letter.content.map(({ attachment }, n) => ({
        ...attachmentView(attachment, takeHtml),
        href: `${path}/letter/file?${parameters({ id: row.id, n, ...record.kept })}`,
      })),
      back: { href: `${path}?${parameters({ section: 'letters', ...record.kept })}`, text: 'Letters' },
    });
  });
}

/** An attachment's bytes, if they are what they are said to be; of HTML what is safe, for a file has no headers. */
export function sendAttachment(app: FastifyInstance, { path, onRequest, open, now, baseUrl }: Needs): void {
  app.get(`${path}/letter/file`, { onRequest }, async (request, reply) => {
    const record = await open(request);
    const { letter } = await find(record, request, now(), baseUrl());
    const { n } = request.query as Record<string, unknown>;
    const place = typeof n === 'string' && /^\d{1,3}$/.test(n) ? Number(n) : -1;
    const attachment = letter.content[place]?.attachment;
    const held = attachment && heldIn(attachment, createHtmlBudget());
    if (!attachment || !held?.kind) throw notFound();
    const { contentType, extension } = KINDS[held.kind];
    const text =
      held.kind === 'text' || held.kind === 'html' ? textOf(held.bytes, attachment.contentType!)! : null;
    const bytes =
      text === null
        ? held.bytes
        : Buffer.from(held.kind === 'html' ? htmlPage(attachment.title ?? 'Letter', safeHtml(text)) : text);
    return reply
      .header('content-disposition', `attachment; filename="letter.${extension}"`)
      .header('content-security-policy', "default-src 'none'; sandbox")
      .type(text === null ? contentType : `${contentType}; charset=utf-8`)
      .send(bytes);
  });
}

/** The letter of the request, read and audited; 404 for one that is not there or not for this reader. */
async function find(record: OpenRecord, request: FastifyRequest, now: Date, baseUrl: string) {
  const { id } = request.query as Record<string, unknown>;
  // Where letters have pages of their own, reading one here would pass its receipt by.
  const asked = typeof id === 'string' && isUuid(id) && !record.without?.includes('letters') ? id : null;
  const found =
    asked &&
    (await record.read(async (client) => {
      const row = await readLetter(client, record.patientId, asked);
      const banner = row && (await readBanner(client, record.patientId, now));
      return row && banner ? { row, banner, letter: await letterDocument(client, row, baseUrl) } : null;
    }));
  await record.record({
    section: 'letter',
    outcome: found ? 'allowed' : 'not-found',
    status: found ? 200 : 404,
    resourceType: 'DocumentReference',
    resourceId: found ? found.row.id : null,
    count: found ? 1 : 0,
  });
  if (!found) throw notFound();
  return found;
}

/** What of an attachment can be shown in the page; anything else is only offered as a file, or named. */
function attachmentView(attachment: Attachment, takeHtml: TakeHtml) {
  const held = heldIn(attachment, takeHtml);
  const text = held?.kind === 'text' ? textOf(held.bytes, attachment.contentType!) : null;
  const html = held?.kind === 'html' ? textOf(held.bytes, attachment.contentType!) : null;
  return {
    title: attachment.title ?? '',
    kind: held?.kind ? KINDS[held.kind].words : null,
    text,
    html: html === null ? null : safeHtml(html),
    language: attachment.language ?? null,
    elsewhere: !attachment.data && Boolean(attachment.url),
  };
}

type TakeHtml = ReturnType<typeof createHtmlBudget>;

function heldIn(
  { data, contentType }: Attachment,
  takeHtml: TakeHtml,
): { bytes: Buffer; kind: ContentKind | null } | null {
  if (!data) return null;
  const bytes = Buffer.from(data, 'base64');
  const kind = contentKind(bytes, contentType ?? '');
  return { bytes, kind: kind === 'html' && !takeHtml(bytes) ? null : kind };
}
