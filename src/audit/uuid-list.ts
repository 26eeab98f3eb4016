const UUID_OID = 2950;
const HEADER_BYTES = 20;
const ENTRY_BYTES = 20;
const TEXT_BYTES = 36;
/** Where the pairs of digits stand in a UUID's text. */
const PAIRS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
/** The value of each hexadecimal digit by its character; of what is none, more than a digit can be. */
const DIGITS = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  for (const written of [digit, digit.toUpperCase()]) DIGITS[written.charCodeAt(0)] = value;
}

/**
 * UUIDs as PostgreSQL's binary form of `uuid[]` (`array_send`), which a Buffer is sent as: reading thousands from text
 * takes the server several times as long as all else about a record.
 */
export function uuidList(ids: readonly string[]): Buffer {
  if (ids.length === 0) return header(0, []);
  const list = Buffer.allocUnsafe(HEADER_BYTES + ids.length * ENTRY_BYTES);
  header(1, [ids.length, 1]).copy(list);
  const text = Buffer.from(ids.join(''));
  if (text.length !== ids.length * TEXT_BYTES) throw notUuids();
  let seen = 0;
  for (let from = 0, at = HEADER_BYTES; from < text.length; from += TEXT_BYTES) {
    list.writeInt32BE(16, at);
    at += 4;
    for (let n = 0; n < PAIRS.length; n++) {
      const pair = from + PAIRS[n]!;
      const high = DIGITS[text[pair]!]!;
      const low = DIGITS[text[pair + 1]!]!;
      seen |= high | low;
      list[at++] = (high << 4) | low;
    }
  }
  if (seen > 15) throw notUuids();
  return list;
}

/** Dimensions, no nulls, the type; then the length of the dimension and its lower bound. */
function header(dimensions: 0 | 1, rest: number[]): Buffer {
  const words = [dimensions, 0, UUID_OID, ...rest];
  const bytes = Buffer.alloc(words.length * 4);
  for (const [n, word] of words.entries()) bytes.writeInt32BE(word, n * 4);
  return bytes;
}

const notUuids = () => new TypeError('a list of UUIDs holds something else');
