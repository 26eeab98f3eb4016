import { type ContentKind, contentKind, KINDS, safeHtml, textOf } from '../../attachments/index.ts';

/** One attachment of a letter as a page can offer it; `kind` null: it cannot be shown here. */
export type Part = {
  title: string;
  kind: ContentKind | null;
  /** Already safe to print as it is. */
  html?: string;
  text?: string;
  bytes?: Buffer;
};

type Attachment = { title?: string; contentType?: string; data?: string; url?: string };
type Document = { content?: { attachment: Attachment }[] };

/**
 * The attachments of a stored DocumentReference. What was stored before there was a check, or by another way, is looked
 * at again here: nothing reaches a browser as what it is not.
 * @param findBinary the stored Binary of this id, if it is this patient's and this organisation's
 */
export async function partsOf(
  content: string,
  findBinary: (id: string) => Promise<string | null>,
): Promise<Part[]> {
  const document = JSON.parse(content) as Document;
  const parts: Part[] = [];
  for (const { attachment } of document.content ?? []) {
    const { contentType, data } = await dataOf(attachment, findBinary);
    parts.push(partOf(attachment.title ?? `Part ${parts.length + 1}`, contentType, data));
  }
  return parts;
}

async function dataOf(attachment: Attachment, findBinary: (id: string) => Promise<string | null>) {
  const { contentType = '', data, url } = attachment;
  if (data !== undefined || url === undefined) return { contentType, data };
  // Addresses elsewhere are never followed: neither by us nor, unawares, by the patient.
  const id = /^Binary\/([0-9a-f-]{36})$/.exec(url)?.[1];
  const stored = id && (await findBinary(id));
  if (!stored) return { contentType, data: undefined };
  const binary = JSON.parse(stored) as { contentType?: string; data?: string };
  return { contentType: binary.contentType ?? contentType, data: binary.data };
}

function partOf(title: string, contentType: string, data: string | undefined): Part {
  const bytes = Buffer.from(data ?? '', 'base64');
  const kind = bytes.length > 0 ? contentKind(bytes, contentType) : null;
  if (!kind) return { title, kind: null };
  if (kind !== 'text' && kind !== 'html') return { title, kind, bytes };
  const text = textOf(bytes, contentType)!;
  if (kind === 'text') return { title, kind, text, bytes: Buffer.from(text) };
  const html = safeHtml(text);
  return { title, kind, html, bytes: Buffer.from(wholePage(title, html)) };
}

/** What is downloaded of an HTML letter: the same safe text, readable by itself. */
const wholePage = (title: string, html: string) =>
  `<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>\n<body>${html}</body></html>\n`;

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A name for a file, from a title that anybody wrote: letters, digits, spaces and hyphens, and our own extension. */
export function fileName(title: string, kind: ContentKind): string {
  const plain = title
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9 -]+/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 80);
  return `${plain || 'Letter'}.${KINDS[kind].extension}`;
}
