import { parseArgs } from 'node:util';
import { type Command, UsageError, type Values } from './command.ts';

/**
 * The values of a command's options, or 'help'.
 * @throws {UsageError} naming every option that is missing or empty, or the one that is not known.
 */
export function readArguments(command: Command, args: string[]): Values | 'help' {
  const values = parse(command, args);
  if (values.help) return 'help';
  const missing = Object.entries(command.options).filter(
    ([name, { optional }]) => !optional && !String(values[name] ?? '').trim(),
  );
  if (missing.length > 0) {
    throw new UsageError(`Missing: ${missing.map(([name, { value }]) => `--${name} <${value}>`).join(' ')}`);
  }
  return (name) => String(values[name] ?? '');
}

/** What a command does and takes. */
export function helpOf(name: string, { summary, options }: Command): string {
  const lines = Object.entries(options).map(([option, { value, meaning, optional }]) => {
    return `  --${option} <${value}>\n        ${meaning}${optional ? ' (may be left out)' : ''}`;
  });
  return [`npm run operator -- ${name}: ${summary}.`, '', ...lines].join('\n');
}

function parse({ options }: Command, args: string[]) {
  const known = Object.fromEntries(Object.keys(options).map((name) => [name, { type: 'string' } as const]));
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args, options: { ...known, help: { type: 'boolean' } }, tokens: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  // The last of two would win without a word.
  const given = (parsed.tokens ?? []).flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const twice = given.find((name, index) => given.indexOf(name) < index);
  if (twice) throw new UsageError(`--${twice} is given twice.`);
  return parsed.values;
}
