/** The four privacy labels in the order of their bits: bit n of a connection's `labels` stands for label n. */
export const PRIVACY_LABELS = [
  { code: 'GENERAL_HEALTH', name: 'General health' },
  { code: 'MENTAL_HEALTH', name: 'Mental health' },
  { code: 'SEXUAL_HEALTH', name: 'Sexual health' },
  { code: 'SOCIAL_CARE', name: 'Social care' },
] as const;

export const EVERY_LABEL = 0b1111;

/** The bits of these labels' codes; codes that are none of the four count for nothing. */
export const labelBits = (codes: readonly string[]): number =>
  PRIVACY_LABELS.reduce((bits, label, n) => (codes.includes(label.code) ? bits | (1 << n) : bits), 0);

export const labelCodes = (bits: number): string[] =>
  PRIVACY_LABELS.filter((_, n) => (bits >> n) & 1).map((label) => label.code);

export const labelNames = (bits: number): string[] =>
  PRIVACY_LABELS.filter((_, n) => (bits >> n) & 1).map((label) => label.name);
