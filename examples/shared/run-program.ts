import { type ParseArgsConfig, parseArgs } from 'node:util';
import { Unreachable } from './ask.ts';
import { explain, Refused } from './refused.ts';
import { UsageError } from './usage-error.ts';

type Flags = NonNullable<ParseArgsConfig['options']>;
type Values<Known extends Flags> = ReturnType<
  typeof parseArgs<{ options: Known & { help: { type: 'boolean' } } }>
>['values'];

export const EXIT_HELP = `Ends with 0 when all was done, 1 when something was not, 2 when it was started wrongly, 3 when refused.`;

/**
 * Runs a command-line program: reads its flags, prints its help, and turns what goes wrong into words and an exit
 * code. `main` returns the exit code.
 */
export async function runProgram<const Known extends Flags>(
  program: { help: string; flags: Known },
  main: (values: Values<Known>) => Promise<number>,
): Promise<void> {
  try {
    const values = flagsOf(program.flags);
    if ((values as { help?: boolean }).help) console.log(program.help);
    else process.exitCode = await main(values);
  } catch (error) {
    process.exitCode = tell(error);
  }
}

function flagsOf<Known extends Flags>(known: Known) {
  try {
    return parseArgs({ options: { ...known, help: { type: 'boolean' as const } } }).values as Values<Known>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function tell(error: unknown): number {
  if (error instanceof UsageError) {
    console.error(`${error.message}\nAll settings: --help`);
    return 2;
  }
  if (error instanceof Refused) {
    console.error(explain(error));
    return 3;
  }
  if (error instanceof Unreachable) {
    console.error(`${error.message}\nWhat to do: check the address and your network, then run it again.`);
    return 1;
  }
  console.error(error instanceof Error ? error.message : error);
  return 1;
}

/** Tells on the terminal why a program waits. */
export const tellWait = (why: string, ms: number): void =>
  console.error(`${why}: trying again in ${Math.ceil(ms / 1000)} s`);
