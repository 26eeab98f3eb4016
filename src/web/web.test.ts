import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import { htmlProblems } from '../../test/support/html.ts';
import { pageClient, textOf } from '../../test/support/page-client.ts';
import { notFound, PageError, roleNeeded, setUpWeb, type Viewer, type Web } from './index.ts';

const ADA: Viewer = {
  name: 'Ada <script>alert(1)</script>',
  role: 'administrator',
  roleName: 'Organisation administrator',
  organisationName: 'Harbour & Moor',
  canSwitchOrganisation: false,
  csrf: 'session-token',
};

const busy = new Error('the pool is empty');

async function webApp(options: { secure?: boolean; viewer?: Viewer | null } = {}) {
  const app = fastify();
  let web!: Web;
  await app.register(async (html) => {
    web = await setUpWeb(html, {
      cookieKey: Buffer.alloc(32, 1),
      secure: options.secure ?? false,
      navigation: () => [
        { text: 'Connected systems', href: '/connected-systems' },
        { text: 'Help', href: '/help' },
      ],
      isUnavailable: (error) => error === busy,
    });
    html.addHook('onRequest', async (request) => {
      request.viewer = options.viewer ?? null;
    });
    const failures: Record<string, () => never> = {
      page: () =>
        raise(
          new PageError({ status: 409, code: 'changed', title: 'Changed meanwhile', message: 'By Bob.' }),
        ),
      role: () => raise(roleNeeded('an organisation administrator', 'revoke access')),
      hidden: () => raise(notFound()),
      busy: () => raise(busy),
      bug: () => raise(new Error('secret detail of 999 123 4567')),
    };
    html.get<{ Params: { kind: string } }>('/fail/:kind', (request) => failures[request.params.kind]!());
    html.get('/help', (_request, reply) =>
      web.pages.render(reply, 'web/error.njk', { error: { title: 'x' } }),
    );
    html.get('/flash', async (_request, reply) => {
      web.flash(reply, { kind: 'success', text: 'Access <b>granted</b>' });
      return reply.redirect('/help', 303);
    });
    html.post('/form', async () => 'done');
  });
  await app.ready();
  return app;
}

function raise(error: Error): never {
  throw error;
}

describe('pages', () => {
  let app: FastifyInstance;
  before(async () => {
    app = await webApp({ viewer: ADA });
  });

  it('show who is at work, for whom and as what, and nothing of it as markup', async () => {
    const { body } = await app.inject('/help');
    assert.match(textOf(body), /Harbour &amp;? ?Moor|Harbour & Moor/);
    assert.match(body, /Ada &lt;script&gt;alert\(1\)&lt;\/script&gt;/);
    assert.match(body, /Organisation administrator/);
    assert.ok(!body.includes('<script>alert'));
  });

  it('mark where in the menu they are', async () => {
    const { body } = await app.inject('/help');
    assert.match(body, /href="\/help" aria-current="page"/);
    assert.doesNotMatch(body, /href="\/connected-systems" aria-current/);
  });

  it('forbid every resource that is not ours, framing, caching and telling others where people came from', async () => {
    const { headers } = await app.inject('/help');
    assert.equal(
      headers['content-security-policy'],
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self';font-src 'self';form-action 'self';frame-ancestors 'none';base-uri 'none'",
    );
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['strict-transport-security'], undefined);
  });

  it('insist on https only where the service is reached by it', async () => {
    const { headers } = await (await webApp({ secure: true })).inject('/help');
    assert.equal(headers['strict-transport-security'], 'max-age=31536000');
  });

  it('refer to nothing elsewhere, and hold no script or style of their own', async () => {
    const { body } = await app.inject('/help');
    const addresses = [...body.matchAll(/(?:src|href|action)="([^"]+)"/g)].map(([, address]) => address!);
    assert.ok(addresses.length > 5);
    for (const address of addresses) assert.match(address, /^(\/(?!\/)|#)/);
    assert.doesNotMatch(body, /<style|style="|<script(?![^>]+src=)/);
    assert.doesNotMatch(body, /NHS|nhs\.uk/);
  });

  it('are correct HTML', async () => {
    for (const url of ['/help', '/nowhere', '/fail/bug']) {
      assert.deepEqual(await htmlProblems((await app.inject(url)).body), []);
    }
  });

  it('show a message once', async () => {
    const client = pageClient(app);
    const page = await client.follow(await client.get('/flash'));
    assert.match(page.body, /Access &lt;b&gt;granted/);
    assert.doesNotMatch((await client.get('/help')).body, /granted/);
    client.cookies.set(
      'flash',
      `${Buffer.from('{"kind":"success","text":"forged"}').toString('base64url')}.x`,
    );
    assert.doesNotMatch((await client.get('/help')).body, /forged/);
  });
});

describe('assets', () => {
  it('are ours alone: no remote font, no source map, nothing outside the list', async () => {
    const app = await webApp();
    const page = (await app.inject('/help')).body;
    const path = /href="(\/assets\/[^/]+)\/nhsuk\.css"/.exec(page)![1]!;
    const css = await app.inject(`${path}/nhsuk.css`);
    assert.equal(css.headers['content-type'], 'text/css; charset=utf-8');
    assert.match(css.headers['cache-control'] as string, /immutable/);
    assert.doesNotMatch(css.body, /https?:|@font-face|Frutiger/);
    for (const [, icon] of css.body.matchAll(/url\(([^)]+)\)/g)) {
      if (icon!.startsWith('data:') || icon!.startsWith('"data:')) continue;
      const image = await app.inject(`${path}/${icon}`);
      assert.equal(image.statusCode, 200, icon);
      assert.equal(image.headers['content-type'], 'image/svg+xml');
    }
    for (const outside of [
      '/../pages.ts',
      '/..%2fpages.ts',
      '/%2e%2e/pages.ts',
      '/',
      '/nhsuk.css.map',
      '/__proto__',
    ]) {
      assert.equal((await app.inject(path + outside)).statusCode, 404, outside);
    }
  });

  it('arrive compressed where the browser can read it', async () => {
    const app = await webApp();
    const path = /href="(\/assets\/[^"]+nhsuk\.css)"/.exec((await app.inject('/help')).body)![1]!;
    const sizes = [];
    for (const encoding of ['br', 'gzip', 'identity']) {
      const { headers, rawPayload } = await app.inject({
        url: path,
        headers: { 'accept-encoding': encoding },
      });
      assert.equal(headers['content-encoding'], encoding === 'identity' ? undefined : encoding);
      sizes.push(rawPayload.length);
    }
    assert.ok(sizes[0]! < sizes[1]! && sizes[1]! < sizes[2]! / 5, `${sizes}`);
  });
});

describe('error pages', () => {
  let app: FastifyInstance;
  before(async () => {
    app = await webApp();
  });

  it('say what happened and what to do, in words', async () => {
    for (const [url, status, words] of [
      ['/nowhere', 404, /Page not found/],
      ['/fail/hidden', 404, /Page not found/],
      ['/fail/page', 409, /Changed meanwhile By Bob/],
      ['/fail/role', 403, /You need to be an organisation administrator to revoke access/],
      ['/fail/busy', 503, /not available for the moment.*Try again in a minute/],
      ['/fail/bug', 500, /there is a problem with the service.*Reference: req-/],
    ] as const) {
      const response = await app.inject(url);
      assert.equal(response.statusCode, status, url);
      assert.match(response.headers['content-type'] as string, /text\/html/, url);
      assert.match(textOf(response.body), words, url);
    }
  });

  it('tell who posts to an address that is none so, whatever was posted', async () => {
    const payload = 'grant_type=client_credentials';
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await app.inject({ method: 'POST', url: '/nowhere', headers, payload });
    assert.equal(response.statusCode, 404);
  });

  it('look alike for what does not exist and what may not be known', async () => {
    const [nowhere, hidden] = [await app.inject('/nowhere'), await app.inject('/fail/hidden')];
    const body = (html: string) => textOf(html);
    assert.equal(body(nowhere.body), body(hidden.body));
  });

  it('give away nothing of an unexpected failure', async () => {
    assert.doesNotMatch((await app.inject('/fail/bug')).body, /secret|999/);
  });

  it('say when to come back', async () => {
    assert.equal((await app.inject('/fail/busy')).headers['retry-after'], '30');
  });

  it('answer forms that are too large or of another kind', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const large = await app.inject({
      method: 'POST',
      url: '/form',
      headers,
      payload: `a=${'x'.repeat(70_000)}`,
    });
    assert.match(textOf(large.body), /larger than this page accepts/);
    const other = await app.inject({
      method: 'POST',
      url: '/form',
      headers: { 'content-type': 'text/xml' },
      payload: '<a/>',
    });
    assert.match(textOf(other.body), /only its own forms/);
    assert.equal(other.statusCode, 400);
  });
});
