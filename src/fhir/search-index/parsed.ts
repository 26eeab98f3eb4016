/** What a search value means, or why it means nothing; the message is fit for an OperationOutcome and holds no value. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; message: string };

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value });

export const refused = (message: string): { ok: false; message: string } => ({ ok: false, message });

/** Parses each of several alternatives; the first that means nothing refuses all. */
export function parseEach<T>(raws: string[], parse: (raw: string) => Parsed<T[]>): Parsed<T[]> {
  const values: T[] = [];
  for (const raw of raws) {
    const one = parse(raw);
    if (!one.ok) return one;
    values.push(...one.value);
  }
  return parsed(values);
}
