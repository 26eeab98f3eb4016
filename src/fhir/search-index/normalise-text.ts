/**
 * Text as it is compared in a string search (R4 section 3.1.1.4.8): without case, accents and punctuation, white
 * space single. Apostrophes and full stops vanish (O'Brien is obrien, St. is st), other punctuation parts words.
 * The result holds letters, digits and single spaces only, so it never holds a wildcard of SQL's LIKE.
 */
export function normaliseText(text: string): string {
  const cut = text.slice(0, TEXT_LENGTH_MAX);
  if (PLAIN.test(cut)) return cut.toLowerCase();
  return cut
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\p{M}'’ʼ`.]/gu, '')
    .replace(/[ßæœøłđðþıς]/g, (letter) => SPELLED[letter] ?? letter)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Longer texts are found by their beginning. */
const TEXT_LENGTH_MAX = 256;

/** Most values: nothing to do but the case. */
const PLAIN = /^[A-Za-z0-9]+(?: [A-Za-z0-9]+)*$/;

/** Letters that Unicode does not take apart. */
const SPELLED: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
  // JavaScript writes a last sigma otherwise, so that a name's beginning would differ from the name.
  ς: 'σ',
};
