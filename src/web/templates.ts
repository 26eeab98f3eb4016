import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import nunjucks from 'nunjucks';
import { filters } from './filters.ts';

const rooms = join(import.meta.dirname, '..');
const nhsuk = join(dirname(createRequire(import.meta.url).resolve('nhsuk-frontend/package.json')), 'dist');

/**
 * The template environment. Names say the room: 'connections/list.njk' is src/connections/pages/list.njk,
 * 'web/parts/table.njk' is src/web/parts/table.njk, 'nhsuk/…' is nhsuk-frontend's.
 * Everything printed is escaped unless a template says `safe`.
 */
export function createTemplates(globals: Record<string, unknown>) {
  const environment = new nunjucks.Environment(new RoomLoader(), OPTIONS);
  for (const [name, filter] of Object.entries(filters)) environment.addFilter(name, filter);
  for (const [name, value] of Object.entries(globals)) environment.addGlobal(name, value);
  return {
    render: (name: string, context: object): string => environment.render(name, context),
    renderString: (source: string, context: object): string => environment.renderString(source, context),
    /** Compiles every page ahead of its first visitor, a little at a time. */
    async warm(): Promise<void> {
      for (const name of [...nhsukMacros(), ...pageNames()]) {
        environment.getTemplate(name, true);
        await new Promise(setImmediate);
      }
    },
  };
}

const OPTIONS = { autoescape: true, trimBlocks: true, lstripBlocks: true };

class RoomLoader extends nunjucks.Loader {
  getSource(name: string) {
    // What `PrecompiledLoader` answers; its type knows only templates in text.
    return { src: { type: 'code', obj: compiled(name) } as unknown as string, path: name, noCache: false };
  }
}

/** A template as a function, compiled once in a process, whoever renders it: the files do not change beneath it. */
function compiled(name: string): object {
  let template = COMPILED.get(name);
  if (!template) {
    const source = nunjucks.precompileString(readFileSync(pathOf(name), 'utf8'), {
      name,
      env: COMPILING,
      // A list, whatever its type says.
      wrapper: (templates: unknown) => (templates as { template: string }[])[0]!.template,
    });
    template = new Function(source)() as object;
    COMPILED.set(name, template);
  }
  return template;
}

const COMPILED = new Map<string, object>();
const COMPILING = new nunjucks.Environment(null, OPTIONS);

function pathOf(name: string): string {
  if (!/^[a-z0-9-]+(\/[A-Za-z0-9-]+)+\.njk$/.test(name)) throw new Error(`not a template name: ${name}`);
  if (name.startsWith('nhsuk/')) return join(nhsuk, name);
  const [room = '', ...rest] = name.split('/');
  return rest[0] === 'parts' ? join(rooms, room, ...rest) : join(rooms, room, 'pages', ...rest);
}

function pageNames(): string[] {
  return readdirSync(rooms, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/').replace('/pages/', '/'))
    .filter((path) => path.endsWith('.njk'));
}

const nhsukMacros = (): string[] =>
  ['button', 'input', 'table'].map(
    (name) => `nhsuk/components/${name === 'table' ? 'tables' : name}/template.njk`,
  );
