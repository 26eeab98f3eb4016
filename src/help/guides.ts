import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { renderGuide } from './render-guide.ts';

const DOCS = join(import.meta.dirname, '../../docs');

type Entry = {
  /** The last part of the guide's address, /help/{slug}. */
  slug: string;
  /** Below docs/. The same file is read in the repository. */
  file: string;
  group: string;
  /** Said in the list of guides; without it, the guide's first sentence is. */
  about?: string;
};

const ORGANISATIONS = 'For organisations';
const SUPPLIERS = 'For companies that make third-party systems';

const ENTRIES: readonly Entry[] = [
  {
    slug: 'connected-systems-page',
    file: 'guides/connected-systems-page.md',
    group: ORGANISATIONS,
    about: 'Where it is, and what its columns and statuses mean.',
  },
  {
    slug: 'give-access',
    file: 'guides/give-access.md',
    group: ORGANISATIONS,
    about: 'Find it, review what it asks for, grant access.',
  },
  {
    slug: 'view-details',
    file: 'guides/view-details.md',
    group: ORGANISATIONS,
    about: 'What it may do, what it has done, and who decided.',
  },
  {
    slug: 'revoke-access',
    file: 'guides/revoke-access.md',
    group: ORGANISATIONS,
    about: 'End access for good, pause it, or leave a system less than it has.',
  },
  {
    slug: 'permissions',
    file: 'guides/permissions.md',
    group: ORGANISATIONS,
    about: 'Every permission in plain words.',
  },
  {
    slug: 'systmone-set-up',
    file: 'guides/systmone-set-up.md',
    group: ORGANISATIONS,
    about: 'Make the link, enter it in SystmOne, try it, change its key.',
  },
  {
    slug: 'systmone-open-records',
    file: 'guides/systmone-open-records.md',
    group: ORGANISATIONS,
    about: 'For professionals: the first time, every time, and when nothing opens.',
  },
  {
    slug: 'third-party-first',
    file: 'guides/third-party-first.md',
    group: SUPPLIERS,
    about: 'Before an organisation can find and connect your system.',
  },
  {
    slug: 'for-vendors',
    file: 'guides/for-vendors.md',
    group: SUPPLIERS,
    about: 'Keys and secrets, scopes, errors.',
  },
  {
    slug: 'systmone-other-systems',
    file: 'guides/systmone-other-systems.md',
    group: SUPPLIERS,
    about: 'A link that works once, for users of your system.',
  },
  {
    slug: 'errors',
    file: 'errors.md',
    group: SUPPLIERS,
    about: 'Every code, what it means, and what to do.',
  },
];

/** The guides of docs/, in order, ready to be shown; `problems` is what a test finds empty. */
export function loadGuides() {
  const pictures = readPictures();
  const entries = [...ENTRIES, ...unlisted()];
  const addresses = new Map(entries.map(({ slug, file }) => [basename(file), `/help/${slug}`]));
  const problems: string[] = [];
  const guides = entries.map((entry) => {
    const rendered = renderGuide(readFileSync(join(DOCS, entry.file), 'utf8'), {
      onProblem: (what) => problems.push(`docs/${entry.file}: ${what}`),
      addresses,
      pictures,
    });
    return { ...entry, ...rendered, about: entry.about ?? rendered.lead };
  });
  return {
    bySlug: new Map(guides.map((guide) => [guide.slug, guide])),
    groups: [...Map.groupBy(guides, ({ group }) => group)].map(([name, members]) => ({
      name,
      guides: members,
    })),
    pictures,
    problems,
  };
}

/** Guides that nobody has put in a place yet: better at the end of the list than not in it. */
function unlisted(): Entry[] {
  const listed = new Set(ENTRIES.map(({ file }) => file));
  return readdirSync(join(DOCS, 'guides'))
    .filter((name) => /^[a-z0-9-]+\.md$/.test(name) && !listed.has(`guides/${name}`))
    .map((name) => ({ slug: name.slice(0, -'.md'.length), file: `guides/${name}`, group: 'More' }));
}

export type Picture = { width: number; height: number; path: string };

/** The pictures there are, by name, so that no other file can be asked for. */
function readPictures(): Map<string, Picture> {
  const folder = join(DOCS, 'pictures');
  const names = readdirSync(folder).filter((name) => /^[a-z0-9-]+\.png$/.test(name));
  return new Map(names.map((name) => [name, { path: join(folder, name), ...sizeOf(join(folder, name)) }]));
}

/** The size in pixels: PNG keeps it at a fixed place (PNG specification, 11.2.1), and browsers leave room for it. */
function sizeOf(path: string) {
  const head = readFileSync(path).subarray(0, 24);
  if (head.length < 24 || head.toString('latin1', 12, 16) !== 'IHDR') throw new Error(`${path} is no PNG`);
  return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
}
