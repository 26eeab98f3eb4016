export type Pair = { name: string; raw: string; value: string; wellFormed: boolean };

const PAIRS_MAX = 12;
const LENGTH_MAX = 4000;

/**
 * A query as the pairs it holds, in order, repeated names and all. `+` stays `+` (Base64 uses it), and what needs no
 * percent-encoding must have none: otherwise one link could be written in many ways. Null when there is far too much.
 */
export function readQuery(query: string): Pair[] | null {
  if (query.length > LENGTH_MAX) return null;
  const parts = query === '' ? [] : query.split('&');
  if (parts.length > PAIRS_MAX) return null;
  return parts.map((part) => {
    const cut = part.indexOf('=');
    const name = cut < 0 ? part : part.slice(0, cut);
    const raw = cut < 0 ? '' : part.slice(cut + 1);
    const value = percentDecoded(raw);
    return { name, raw, value: value ?? '', wellFormed: value !== null && /^[a-zA-Z]+$/.test(name) };
  });
}

/** RFC 3986 section 2.3: unreserved characters are not to be percent-encoded. Only printable ASCII comes out. */
function percentDecoded(text: string): string | null {
  if (!/^(?:%[0-9A-Fa-f]{2}|[\x21\x22\x24\x26-\x7e])*$/.test(text)) return null;
  let right = true;
  const value = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    if (/[A-Za-z0-9._~-]/.test(character) || !/[\x20-\x7e]/.test(character)) right = false;
    return character;
  });
  return right ? value : null;
}

/** How values are written into a query: everything but unreserved characters and what our links show plainly. */
export const percentEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
