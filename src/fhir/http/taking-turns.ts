import { setImmediate } from 'node:timers/promises';

/** To be called after each piece of work with its size; what it returns, if anything, is to be waited for. */
export type Pace = (bytes: number) => Promise<unknown> | undefined;

/** How much is worked through before others have their turn: some milliseconds' worth at worst. */
export const TURN_BYTES = 64 * 1024;

/** Gives all that waits its turn, each time that so much has been worked through. */
export function takingTurns(turn: () => Promise<unknown> = () => setImmediate()): Pace {
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < TURN_BYTES) return undefined;
    since = 0;
    return turn();
  };
}
