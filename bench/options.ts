import { parseArgs } from 'node:util';
import { PATH_NAMES, type PathName } from './paths.ts';

export type Options = ReturnType<typeof readOptions>;

export const HELP = `Measures each path of the product against a bare server, in turns, on the same data.

  npm run bench -- [options]

  --paths LIST     some of ${PATH_NAMES.join(',')} (all)
  --clients LIST   requests under way at once (16,64)
  --rounds N       turns of each of the two (3)
  --seconds N      length of a turn (2)
  --patients N     10,000 make the 400,000 resources that the targets are about; another number is another data folder
  --node FLAGS     run the product with these flags of Node instead of those of npm start
  --profile        leave a CPU profile of the product in .data-bench/profile`;

/** @throws {Error} that says what is wrong with the command line. */
export function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      paths: { type: 'string', default: PATH_NAMES.join(',') },
      clients: { type: 'string', default: '16,64' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      patients: { type: 'string', default: '10000' },
      node: { type: 'string' },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    help: values.help,
    paths: values.paths.split(',').map(pathName),
    clients: values.clients.split(',').map((text) => whole(text, 'clients', 500)),
    rounds: whole(values.rounds, 'rounds', 100),
    seconds: whole(values.seconds, 'seconds', 600),
    patients: whole(values.patients, 'patients', 900_000),
    nodeFlags: values.node?.split(' ').filter(Boolean),
    profile: values.profile,
  };
}

function pathName(name: string): PathName {
  const known = PATH_NAMES.find((one) => one === name);
  if (!known) throw new Error(`--paths takes some of ${PATH_NAMES.join(', ')}`);
  return known;
}

function whole(text: string, name: string, max: number): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > max) throw new Error(`--${name} takes whole numbers from 1 to ${max}`);
  return number;
}
