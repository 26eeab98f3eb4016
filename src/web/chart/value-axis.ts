/** The values at which lines are drawn: round numbers that enclose all of `values`, seven at most. Counts and scores have no halves. */
export function valueTicks(values: readonly number[]): number[] {
  const [low, high] = spread(Math.min(...values), Math.max(...values));
  const step = roundStep(Math.max((high - low) / 4, values.every(Number.isInteger) ? 1 : 0));
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, n) => cleaned((first + n) * step));
}

/** Below this, steps could not be computed; nothing that is measured comes near it. */
const TINY = 1e-200;

/** Values that are all the same would have no height: some room is made around them. */
function spread(low: number, high: number): [number, number] {
  if (high - low > Math.max(Math.abs(high) * 1e-9, TINY)) return [low, high];
  const room = Math.abs(low) > TINY ? Math.abs(low) * 0.1 : 1;
  // Below zero is room for what can be below zero only.
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= least * (1 - 1e-9)) ?? least;
}

/** 0.30000000000000004 is 0.3. */
const cleaned = (value: number): number => Number(value.toPrecision(12)) + 0;
