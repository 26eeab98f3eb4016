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
 * Everything printed is escaped unless a template says `safe`. Compiled templates are kept.
 */
export function createTemplates(globals: Record<string, unknown>) {
  const loader = new RoomLoader();
  const environment = new nunjucks.Environment(loader, {
    autoescape: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
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

class RoomLoader extends nunjucks.Loader {
  getSource(name: string) {
    return { src: readFileSync(pathOf(name), 'utf8'), path: name, noCache: false };
  }
}

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
