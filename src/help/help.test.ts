import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import { htmlProblems } from '../../test/support/html.ts';
import { setUpWeb } from '../web/index.ts';
import { loadGuides } from './guides.ts';
import { permissionsGuide } from './permissions-guide.ts';
import { renderGuide } from './render-guide.ts';
import { helpRoutes } from './routes.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const PICTURES_BYTES_MAX = 3_000_000;
const guides = loadGuides();
const all = [...guides.bySlug.values()];

describe('the guides', () => {
  it('are all there, in the list and in the folder', () => {
    const files = readdirSync(join(DOCS, 'guides')).map((name) => `guides/${name}`);
    assert.deepEqual(all.map(({ file }) => file).sort(), [...files, 'errors.md'].sort());
    for (const { slug, about } of all) assert.ok(about.length > 10, slug);
  });

  it('lead nowhere that is not there', () => {
    assert.deepEqual(guides.problems, []);
    const ids = new Set(
      all.flatMap(({ slug, html }) =>
        [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => `/help/${slug}#${id}`),
      ),
    );
    const links = all.flatMap(({ html }) => [...html.matchAll(/href="(\/help\/[^"]+#[^"]+)"/g)]);
    assert.ok(links.length > 0);
    for (const [, link = ''] of links) assert.ok(ids.has(link), link);
  });

  it('show every picture there is, and no picture is heavy', () => {
    const shown = new Set(
      all.flatMap(({ html }) =>
        [...html.matchAll(/src="\/help\/pictures\/([^"]+)"/g)].map(([, name]) => name),
      ),
    );
    assert.deepEqual(
      [...guides.pictures.keys()].filter((name) => !shown.has(name)),
      [],
    );
    const bytes = [...guides.pictures.values()].reduce((sum, { path }) => sum + statSync(path).size, 0);
    assert.ok(bytes < PICTURES_BYTES_MAX, `${bytes}`);
  });

  it('say of each permission what the pages say: node scripts/write-permissions-guide.ts writes it anew', () => {
    assert.equal(readFileSync(join(DOCS, 'guides/permissions.md'), 'utf8'), permissionsGuide());
  });

  it('are where the pages’ own links to help lead', () => {
    const templates = ['list', 'add', 'already', 'review', 'granted', 'view', 'change', 'changed'];
    for (const name of templates) {
      const source = readFileSync(join(import.meta.dirname, `../connections/pages/${name}.njk`), 'utf8');
      const [, slug = ''] = /set help = "\/help\/([a-z-]+)"/.exec(source) ?? [];
      assert.ok(guides.bySlug.has(slug), name);
    }
  });
});

describe('a guide', () => {
  const picture = { path: '', width: 640, height: 480 };
  function render(markdown: string) {
    const problems: string[] = [];
    const { title, lead, html } = renderGuide(`# Title\n\n${markdown}`, {
      onProblem: (what) => problems.push(what),
      addresses: new Map([['give-access.md', '/help/give-access']]),
      pictures: new Map([['list-1280.png', picture]]),
    });
    return { title, lead, html, problems };
  }

  it('has its first heading as title, and ids as GitHub makes them', () => {
    const { title, html } = render('## What it `may` do, and when\n\n## Twice\n\n## Twice');
    assert.equal(title, 'Title');
    assert.match(html, /<h2 class="nhsuk-heading-m" id="what-it-may-do-and-when">What it <code/);
    assert.match(html, /id="twice">[\s\S]*id="twice-1">/);
  });

  it('is told of in lists by its first sentence', () => {
    assert.equal(render('What it is for. And\nmore.').lead, 'What it is for.');
  });

  it('links to other guides by their address in the product', () => {
    const { html } = render('[a](give-access.md#give-less) [b](https://hl7.org/fhir) [c](#here)');
    assert.match(html, /href="\/help\/give-access#give-less".*href="https:\/\/hl7.org\/fhir".*href="#here"/);
  });

  it('leaves room for a picture, and says it in words', () => {
    const { html } = render('![The list, "sorted"](../pictures/list-1280.png)');
    assert.match(
      html,
      /<a class="cs-picture" href="\/help\/pictures\/list-1280.png"><img [^>]*alt="The list, &quot;sorted&quot;" width="640" height="480"/,
    );
  });

  it('keeps a short code whole and lets a long one break', () => {
    const { html } = render('`scope-insufficient` and `system/Organization.$generate-invitation-tokens`');
    assert.match(html, /<code class="cs-code cs-nowrap">scope-insuff.*<code class="cs-code">system\/Org/);
  });

  it('lets a wide table or example be scrolled by keyboard', () => {
    const { html } = render('## Codes\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```sh\nls <x>\n```');
    assert.match(html, /<div class="cs-table-scroll" role="region" tabindex="0" aria-label="Table: Codes">/);
    assert.match(html, /<pre class="cs-example" role="region" tabindex="0" [^>]+><code>ls &lt;x&gt;<\/code>/);
  });

  for (const [what, markdown, problem] of [
    ['a link to no guide', '[x](nowhere.md)', /nowhere.md leads to no guide/],
    ['a link that runs script', '[x](javascript:alert(1))', /leads to no guide/],
    ['a picture that is not there', '![x](../pictures/none.png)', /no picture/],
    ['a picture from elsewhere', '![x](https://example.org/x.png)', /no picture/],
    ['a picture without words', '![](../pictures/list-1280.png)', /no words/],
    ['HTML', '<script>alert(1)</script>', /HTML is not taken/],
    ['HTML in a line', 'a <img src=x onerror=alert(1)> b', /HTML is not taken/],
  ] as const) {
    it(`shows nothing of ${what}, and reports it`, () => {
      const { html, problems } = render(markdown);
      assert.equal(problems.length > 0, true);
      assert.match(problems.join('\n'), problem);
      assert.doesNotMatch(html, /<script|<img src=x|javascript:|nowhere\.md"|none\.png"|example\.org/);
    });
  }
});

describe('help in the product', () => {
  let app: FastifyInstance;
  before(async () => {
    app = fastify();
    await app.register(async (html) => {
      const web = await setUpWeb(html, {
        cookieKey: Buffer.alloc(32, 1),
        secure: false,
        navigation: () => [],
        isUnavailable: () => false,
      });
      helpRoutes(html, web.pages);
    });
    await app.ready();
  });

  it('lists every guide, open to all', async () => {
    const { statusCode, body } = await app.inject('/help');
    assert.equal(statusCode, 200);
    for (const { slug, title } of all) assert.ok(body.includes(`<a href="/help/${slug}">${title}</a>`), slug);
    assert.deepEqual(await htmlProblems(body), []);
  });

  for (const { slug, title } of all) {
    it(`shows “${title}” as correct HTML`, async () => {
      const { statusCode, body } = await app.inject(`/help/${slug}`);
      assert.equal(statusCode, 200);
      assert.match(body, new RegExp(`<h1 class="nhsuk-heading-l">${title}</h1>`));
      assert.deepEqual(await htmlProblems(body), []);
    });
  }

  it('serves the pictures, and nothing else of the folder or beyond it', async () => {
    const picture = await app.inject('/help/pictures/list-1280.png');
    assert.equal(picture.statusCode, 200);
    assert.equal(picture.headers['content-type'], 'image/png');
    assert.equal(picture.rawPayload.toString('latin1', 1, 4), 'PNG');
    for (const path of [
      'no-such-guide',
      'pictures/none.png',
      'pictures/..%2Ferrors.md',
      'pictures/%2e%2e%2ferrors.md',
      '__proto__',
    ])
      assert.equal((await app.inject(`/help/${path}`)).statusCode, 404, path);
  });
});
