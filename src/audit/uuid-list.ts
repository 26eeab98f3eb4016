const UUID_OID = 2950;
const HEADER_BYTES = 20;
const ENTRY_BYTES = 20;

/**
 * UUIDs as PostgreSQL's binary form of `uuid[]` (`array_send`), which a Buffer is sent as: reading thousands from text
 * takes the server several times as long as all else about a record.
 */
export function uuidList(ids: readonly string[]): Buffer {
  if (ids.length === 0) return header(0, []);
  const list = Buffer.allocUnsafe(HEADER_BYTES + ids.length * ENTRY_BYTES);
  header(1, [ids.length, 1]).copy(list);
  const bytes = Buffer.from(ids.join('').replaceAll('-', ''), 'hex');
  if (bytes.length !== ids.length * 16) throw new TypeError('a list of UUIDs holds something else');
  for (let at = HEADER_BYTES, from = 0; from < bytes.length; at += ENTRY_BYTES, from += 16) {
    list.writeInt32BE(16, at);
    bytes.copy(list, at + 4, from, from + 16);
  }
  return list;
}

/** Dimensions, no nulls, the type; then the length of the dimension and its lower bound. */
function header(dimensions: 0 | 1, rest: number[]): Buffer {
  const words = [dimensions, 0, UUID_OID, ...rest];
  const bytes = Buffer.alloc(words.length * 4);
  for (const [n, word] of words.entries()) bytes.writeInt32BE(word, n * 4);
  return bytes;
}
