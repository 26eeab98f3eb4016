const HTML_BYTES_MAX = 1024 * 1024;
const HTML_TAGS_MAX = 20_000;

/**
 * How much HTML one letter may have made safe. The time that takes grows with the square of how deep elements stand in
 * each other, and everybody else waits meanwhile: a few hundred thousand tags are no letter but an attack.
 * @returns takes one more attachment; false when the letter has too much with it
 */
export function createHtmlBudget() {
  let bytesTaken = 0;
  let tagsTaken = 0;

  return function takeHtml(bytes: Buffer): boolean {
    bytesTaken += bytes.length;
    // Past the limit there is nothing to count.
    if (bytesTaken > HTML_BYTES_MAX) return false;
    for (let at = bytes.indexOf('<'); at >= 0; at = bytes.indexOf('<', at + 1)) tagsTaken++;
    return tagsTaken <= HTML_TAGS_MAX;
  };
}
