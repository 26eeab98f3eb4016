const STRETCH = 32;

/**
 * A long text of many entries as the bytes that are sent. Some entries at a time are turned into bytes: one string of
 * thousands of pieces takes twice as long to put together, and is copied once more on its way out.
 * @param entryBytes how long an entry is about; what is longer finds room all the same
 */
export function longText(entries: number, entryBytes: number) {
  let bytes = Buffer.allocUnsafe((entries + STRETCH) * entryBytes);
  let length = 0;
  let text = '';
  let added = 0;

  function write() {
    const most = length + text.length * 3; // of UTF-8, for each UTF-16 unit
    if (most > bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(most, bytes.length * 2));
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
    }
    length += bytes.write(text, length);
    text = '';
  }

  return {
    add(entry: string): void {
      text += entry;
      if (++added % STRETCH === 0) write();
    },
    /** All that was added. */
    bytes(): Buffer {
      write();
      return bytes.subarray(0, length);
    },
  };
}
