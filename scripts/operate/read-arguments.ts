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
export function helpOf(name: string, { summary, options, first, asks }: Command): string {
  const lines = Object.entries(options).map(([option, { value, meaning, optional }]) => {
    const named = option === first ? `[--${option}]` : `--${option}`;
    return `  ${named} <${value}>\n        ${meaning}${optional ? ' (may be left out)' : ''}`;
  });
  if (asks) lines.push('  --yes\n        does it without asking first (may be left out)');
  return [`npm run operator -- ${name}: ${summary}.`, '', ...lines].join('\n');
}

function parse({ options, first, asks }: Command, args: string[]) {
  const known = Object.fromEntries(Object.keys(options).map((name) => [name, { type: 'string' } as const]));
  const flag = { type: 'boolean' } as const;
  const flags = { help: flag, ...(asks && { yes: flag }) };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    const allowPositionals = first !== undefined;
    parsed = parseArgs({ args, options: { ...known, ...flags }, tokens: true, allowPositionals });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  // The last of two would win without a word.
  const given = (parsed.tokens ?? []).flatMap((token) =>
    token.kind === 'option' ? [token.name] : token.kind === 'positional' ? [first!] : [],
  );
  const twice = given.find((name, index) => given.indexOf(name) < index);
  if (twice) throw new UsageError(`--${twice} is given twice.`);
  return first && parsed.positionals[0]
    ? { ...parsed.values, [first]: parsed.positionals[0] }
    : parsed.values;
}
