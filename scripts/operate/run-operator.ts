import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Audit, AuditEntry } from '../../src/audit/audit.ts';
import { ConfigError } from '../../src/config.ts';
import { StartError } from '../../src/database/start-error.ts';
import { DirectoryError } from '../../src/directory/directory-error.ts';
import { SystemError } from '../../src/systems/system-error.ts';
import { accountCommands } from './account-commands.ts';
import type { Ask } from './ask.ts';
import { type Command, type Done, UsageError, type Values } from './command.ts';
import { credentialCommands } from './credential-commands.ts';
import { keyCommands } from './key-commands.ts';
import { openTools } from './open-tools.ts';
import { providerCommands } from './provider-commands.ts';
import { helpOf, readArguments } from './read-arguments.ts';
import { showSystem } from './show-system.ts';
import { staffCommands } from './staff-commands.ts';
import { systemCommands } from './system-commands.ts';

const COMMANDS: Record<string, Command> = {
  ...staffCommands,
  ...accountCommands,
  ...providerCommands,
  ...systemCommands,
  'show-system': showSystem,
  ...credentialCommands,
  ...keyCommands,
};

export type Said = {
  /** 0 done; 1 refused or failed; 2 not understood, nothing opened. */
  code: 0 | 1 | 2;
  text: string;
};

/**
 * Does one command of the operator's, and says what came of it once that is recorded.
 * @param ask null: nobody can be asked, and a command that would ask is done with `--yes` alone.
 */
export async function runOperator(
  args: string[],
  env: NodeJS.ProcessEnv,
  ask: Ask | null = null,
): Promise<Said> {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    return { code: ['', '--help', 'help'].includes(name) ? 0 : 2, text: overview(name) };
  }
  try {
    const values = readArguments(command, rest);
    if (values === 'help') return { code: 0, text: helpOf(name, command) };
    const asks = values('yes') ? undefined : command.asks;
    if (asks && !ask) throw new UsageError('There is no terminal to ask on: give --yes to have it done.');
    const { close, audit, ...tools } = await openTools(env);
    let done: Done;
    try {
      const run = async () => {
        if (asks && !(await ask!(await asks(values, tools)))) throw new Declined('Nothing was changed.');
        return command.run(values, tools);
      };
      done = await recorded(audit, name, run, values);
    } catch (error) {
      await close().catch(() => undefined);
      throw error;
    }
    // What is shown once must be shown, even if the database does not close in good order.
    const closed = await close().then(
      () => [],
      (error: Error) => [`The database did not close in good order: ${error.message}`],
    );
    return { code: 0, text: [...done.lines, ...closed].join('\n') };
  } catch (error) {
    if (error instanceof UsageError) return { code: 2, text: `${error.message}\n\n${helpOf(name, command)}` };
    if (EXPLAINED.some((kind) => error instanceof kind)) return { code: 1, text: (error as Error).message };
    return { code: 1, text: `It failed: ${(error as Error).message}` };
  }
}

/** What was done, or the refusal, once the audit has it. */
async function recorded(
  audit: Audit,
  interaction: string,
  run: () => Promise<Done>,
  of: Values,
): Promise<Done> {
  const entry = { kind: 'operator', interaction, requestId: randomUUID() } as const;
  try {
    const done = await run();
    await audit
      .record({ ...entry, ...done.about, outcome: 'allowed', status: 200, detail: by(done.about.detail) })
      .catch((cause: Error) => {
        throw new NotRecorded(done, cause);
      });
    return done;
  } catch (error) {
    if (!(error instanceof SystemError || error instanceof DirectoryError)) throw error;
    // An ID that names nothing is whatever somebody typed: not for the log.
    const ofSystem = error instanceof SystemError && !error.code.endsWith('_UNKNOWN');
    const clientId = (ofSystem && of('client-id')) || undefined;
    await audit.record({ ...entry, clientId, outcome: error.code, status: 422, detail: by() });
    throw error;
  }
}

/** Commands carry no session: who gave one is told by the machine that it was given on. */
const by = (detail?: AuditEntry['detail']) =>
  [`by ${userInfo().username}`, detail].filter(Boolean).join(': ');

/** Said instead of 'done'; what is shown once stays unseen, and can be ended by the ID that is named. */
class NotRecorded extends Error {
  constructor({ about }: Done, cause: Error) {
    const ids = [about.clientId, about.resourceId].filter(Boolean).join(', ');
    super(`It was done (${ids}), but this could not be recorded. ${cause.message}`, { cause });
  }
}

/** Whoever was asked did not say yes. */
class Declined extends Error {}

/** Errors whose message is all that there is to say. */
const EXPLAINED = [Declined, ConfigError, StartError, DirectoryError, SystemError, NotRecorded];

function overview(name: string): string {
  const widthMax = Math.max(...Object.keys(COMMANDS).map((command) => command.length));
  return [
    ...(['', '--help', 'help'].includes(name) ? [] : [`There is no command ${name}.`, '']),
    'npm run operator -- <command> --help',
    '',
    'With the settings of the service (DATABASE_URL and keys, or DATA_DIR; the embedded database only while the',
    'service is stopped). Ends with 0 when done, 1 when refused or failed, 2 when not understood.',
    '',
    ...Object.entries(COMMANDS).map(([command, { summary }]) => `  ${command.padEnd(widthMax)}  ${summary}`),
  ].join('\n');
}
