import type { Pace } from './taking-turns.ts';

const [TAB, NEWLINE, RETURN, BLANK, SLASH, BACKSLASH] = [9, 10, 13, 32, 47, 92] as const;
const STEP_BYTES = 16 * 1024;

/**
 * JSON, well-formed or not, so that it can be searched as a text of one byte a character: what stands for a printable
 * character of ASCII is that character (R4 knows no name, number or id with others), and white space is one blank.
 */
export async function plainText(bytes: Buffer, pace: Pace): Promise<string> {
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const from = at;
    for (const end = Math.min(from + STEP_BYTES, bytes.length); at < end; ) {
      const escaped = bytes[at] === BACKSLASH ? escapedAt(bytes, at) : undefined;
      const code = escaped ?? bytes[at]!;
      at += escaped === undefined ? 1 : escaped === SLASH && bytes[at + 1] === SLASH ? 2 : 6;
      if (!isWhite(code)) out[length++] = code;
      else if (length === 0 || out[length - 1] !== BLANK) out[length++] = BLANK;
    }
    const turn = pace(at - from);
    if (turn) await turn;
  }
  return out.toString('latin1', 0, length);
}

const isWhite = (code: number): boolean =>
  code === BLANK || code === NEWLINE || code === RETURN || code === TAB;

/** The character that `\/` or `\u0020` to `\u007f` is. */
function escapedAt(bytes: Buffer, at: number): number | undefined {
  if (bytes[at + 1] === SLASH) return SLASH;
  if (bytes[at + 1] !== 117 || bytes[at + 2] !== 48 || bytes[at + 3] !== 48) return undefined;
  const code = hex(bytes[at + 4]) * 16 + hex(bytes[at + 5]);
  return code >= 0x20 && code <= 0x7f ? code : undefined;
}

/** Not a number, where it is no digit. */
function hex(byte = 0): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = (byte | 32) - 87;
  return letter >= 10 && letter <= 15 ? letter : Number.NaN;
}
