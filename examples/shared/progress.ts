const TELL_EVERY_MS = 5_000;

type Options = {
  total: number;
  /** What is counted: `readings`. */
  things: string;
  stream: { isTTY?: boolean; write: (text: string) => unknown };
  now: () => number;
};

/**
 * Tells how far a long run is: on a terminal in one line that changes, elsewhere (a log) in a line every few seconds.
 * A short run into a log tells nothing.
 */
export function createProgress({ total, things, stream, now }: Options) {
  let done = 0;
  let told = now();
  const text = () => `${done} of ${total} ${things} (${Math.floor((done / total) * 100)} %)`;
  return {
    step(): void {
      done += 1;
      if (stream.isTTY) stream.write(`\r${text()}`);
      else if (now() - told >= TELL_EVERY_MS) {
        told = now();
        stream.write(`${text()}\n`);
      }
    },
    end(): void {
      if (stream.isTTY && done > 0) stream.write('\n');
    },
  };
}
