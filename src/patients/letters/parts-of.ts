import {
  ATTACHMENTS_MAX,
  type BinaryAddress,
  binaryAt,
  type ContentKind,
  contentKind,
  createHtmlBudget,
  htmlPage,
  KINDS,
  safeHtml,
  textOf,
} from '../../attachments/index.ts';

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
 * @param baseUrl where this service answers
 * @param findBinary the stored Binary, if it is this patient's and this organisation's
 */
export async function partsOf(content: string, baseUrl: string, findBinary: FindBinary): Promise<Part[]> {
  const document = JSON.parse(content) as Document;
  const parts: Part[] = [];
  const takeHtml = createHtmlBudget();
  const binaries = new Map<string, Held>();
  for (const { attachment } of (document.content ?? []).slice(0, ATTACHMENTS_MAX)) {
    const held = await heldIn(attachment, baseUrl, findBinary, binaries);
    parts.push(partOf(attachment.title ?? `Part ${parts.length + 1}`, held, takeHtml));
  }
  return parts;
}

type FindBinary = (address: BinaryAddress) => Promise<string | null>;
type Held = { contentType: string; bytes: Buffer };

/** @param binaries those that the letter named before, so that one named twenty times is held once */
async function heldIn(
  { contentType = '', data, url }: Attachment,
  baseUrl: string,
  findBinary: FindBinary,
  binaries: Map<string, Held>,
): Promise<Held> {
  if (data !== undefined || url === undefined)
    return { contentType, bytes: Buffer.from(data ?? '', 'base64') };
  // Addresses elsewhere are never followed: neither by us nor, unawares, by the patient.
  const address = binaryAt(url, baseUrl);
  const key = JSON.stringify(address);
  const known = binaries.get(key);
  if (known) return known;
  const stored = address && (await findBinary(address));
  if (!stored) return { contentType, bytes: Buffer.alloc(0) };
  const binary = JSON.parse(stored) as { contentType?: string; data?: string };
  const held = {
    contentType: binary.contentType ?? contentType,
    bytes: Buffer.from(binary.data ?? '', 'base64'),
  };
  binaries.set(key, held);
  return held;
}

function partOf(title: string, { contentType, bytes }: Held, takeHtml: (bytes: Buffer) => boolean): Part {
  const kind = bytes.length > 0 ? contentKind(bytes, contentType) : null;
  if (!kind || (kind === 'html' && !takeHtml(bytes))) return { title, kind: null };
  if (kind !== 'text' && kind !== 'html') return { title, kind, bytes };
  const text = textOf(bytes, contentType)!;
  if (kind === 'text') return { title, kind, text, bytes: Buffer.from(text) };
  const html = safeHtml(text);
  return { title, kind, html, bytes: Buffer.from(htmlPage(title, html)) };
}

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
