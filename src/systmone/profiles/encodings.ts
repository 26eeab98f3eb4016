export type EncodingName = 'hex' | 'base64' | 'base64url';

/**
 * Bytes as text. Each writing is the only one that is read back: hexadecimal all in small or all in capital letters,
 * Base64 (RFC 4648 section 4) with its padding, Base64 for addresses (section 5) without, unused bits zero.
 */
export const ENCODINGS: Record<
  EncodingName,
  { write: (bytes: Buffer) => string; read: (text: string) => Buffer | null }
> = {
  hex: {
    write: (bytes) => bytes.toString('hex'),
    read: (text) =>
      /^(?:[0-9a-f]*|[0-9A-F]*)$/.test(text) && text.length % 2 === 0 ? Buffer.from(text, 'hex') : null,
  },
  base64: {
    write: (bytes) => bytes.toString('base64'),
    read: (text) => same(text, Buffer.from(text, 'base64'), 'base64'),
  },
  base64url: {
    write: (bytes) => bytes.toString('base64url'),
    read: (text) => same(text, Buffer.from(text, 'base64url'), 'base64url'),
  },
};

/** Which writings a text could be: for telling people what their system really sends. */
export const encodingsOf = (text: string): EncodingName[] =>
  (Object.keys(ENCODINGS) as EncodingName[]).filter((name) => (ENCODINGS[name].read(text)?.length ?? 0) > 0);

const same = (text: string, bytes: Buffer, name: 'base64' | 'base64url') =>
  bytes.toString(name) === text ? bytes : null;
