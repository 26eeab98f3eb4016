/** What a patient's browser is given to show, by what the bytes are, whatever name or type came with them. */
export type ContentKind = keyof typeof KINDS;

export const KINDS = {
  pdf: { contentType: 'application/pdf', extension: 'pdf', words: 'PDF' },
  html: { contentType: 'text/html', extension: 'html', words: 'web page' },
  text: { contentType: 'text/plain', extension: 'txt', words: 'text' },
  png: { contentType: 'image/png', extension: 'png', words: 'picture (PNG)' },
  jpeg: { contentType: 'image/jpeg', extension: 'jpg', words: 'picture (JPEG)' },
  gif: { contentType: 'image/gif', extension: 'gif', words: 'picture (GIF)' },
  webp: { contentType: 'image/webp', extension: 'webp', words: 'picture (WebP)' },
} as const;

/**
 * What bytes are that were declared as `contentType`, or null: none of the kinds that are taken, or not what they are
 * said to be. Text is only what decodes in its charset and holds no control characters.
 */
export function contentKind(bytes: Buffer, contentType: string): ContentKind | null {
  const [declared = ''] = contentType.toLowerCase().split(';');
  const kind = (Object.keys(KINDS) as ContentKind[]).find(
    (one) => KINDS[one].contentType === declared.trim(),
  );
  if (!kind) return null;
  if (kind === 'text' || kind === 'html') return textOf(bytes, contentType) === null ? null : kind;
  return SIGNATURES[kind](bytes) ? kind : null;
}

/** The text of bytes in the charset that is declared (UTF-8 unless said), or null when they are not text in it. */
export function textOf(bytes: Buffer, contentType: string): string | null {
  const charset = /;\s*charset\s*=\s*"?([\w-]+)"?/i.exec(contentType)?.[1] ?? 'utf-8';
  if (!CHARSETS.has(charset.toLowerCase())) return null;
  let text: string;
  try {
    text = new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
  return CONTROL.test(text) ? null : text;
}

const CHARSETS = new Set(['utf-8', 'utf8', 'us-ascii', 'iso-8859-1', 'latin1', 'windows-1252']);
// Tab, line feed, form feed and carriage return are in text; the others are in files that are none.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/;

const startsWith = (bytes: Buffer, ...start: number[]) => start.every((byte, at) => bytes[at] === byte);

const SIGNATURES = {
  // ISO 32000 lets a header stand later in the file; browsers do not, and neither do those who mean well.
  pdf: (bytes: Buffer) => bytes.subarray(0, 5).toString('latin1') === '%PDF-' && bytes.length > 50,
  png: (bytes: Buffer) => startsWith(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
  jpeg: (bytes: Buffer) => startsWith(bytes, 0xff, 0xd8, 0xff),
  gif: (bytes: Buffer) => /^GIF8[79]a/.test(bytes.subarray(0, 6).toString('latin1')),
  webp: (bytes: Buffer) =>
    bytes.subarray(0, 4).toString('latin1') === 'RIFF' && bytes.subarray(8, 12).toString('latin1') === 'WEBP',
};
