import { createHash } from 'node:crypto';

export type Random = ReturnType<typeof createRandom>;

/**
 * Repeatable chance: the same seed gives the same values on every machine, so that the demo world can be
 * described, tested and loaded twice. Never for secrets of a real service.
 */
export function createRandom(seed: string) {
  const next = smallFastCounter(seed);

  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));

  return {
    /** A whole number from `min` to `max`, both included. */
    integer,
    chance: (probability: number) => next() < probability,
    pick: <T>(values: readonly T[]): T => values[integer(0, values.length - 1)]!,
    /** Picks the first value of a pair in proportion to the second. */
    weighted: <T>(pairs: readonly (readonly [T, number])[]): T => {
      let left = next() * pairs.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [value, weight] of pairs) {
        left -= weight;
        if (left < 0) return value;
      }
      return pairs.at(-1)![0];
    },
    /** Bell-shaped, cut off at three deviations, so that no impossible measurement comes out. */
    normal: (mean: number, deviation: number) => {
      const bell = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
      return mean + deviation * Math.max(-3, Math.min(3, bell));
    },
    bytes: (size: number) => Buffer.from(Array.from({ length: size }, () => integer(0, 255))),
  };
}

/** Chris Doty-Humphrey's sfc32, started from a digest so that like seeds give unlike sequences. */
function smallFastCounter(seed: string) {
  const digest = createHash('sha256').update(seed).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
}
