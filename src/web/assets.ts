import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { notFound } from './page-error.ts';

const nhsuk = join(
  dirname(createRequire(import.meta.url).resolve('nhsuk-frontend/package.json')),
  'dist/nhsuk',
);
const own = join(import.meta.dirname, 'assets');
const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

type Asset = { body: Buffer; type: string; brotli?: Buffer; gzip?: Buffer };

/**
 * Style sheets, script and icons, held in memory and named by their content, so that browsers may keep them
 * for ever and nothing outside this list can be asked for.
 */
export function loadAssets() {
  const files = new Map<string, Asset>();
  const add = (name: string, body: Buffer | string) =>
    files.set(name, { body: Buffer.from(body), type: TYPES[extname(name)] ?? 'application/octet-stream' });

  add('nhsuk.css', withoutRemoteFont(readFileSync(join(nhsuk, 'nhsuk-frontend.min.css'), 'utf8')));
  add('nhsuk.js', withoutSourceMap(readFileSync(join(nhsuk, 'nhsuk-frontend.min.js'), 'utf8')));
  for (const name of readdirSync(own)) add(name, readFileSync(join(own, name)));
  for (const name of readdirSync(join(nhsuk, 'assets/images'))) {
    if (/^nhsuk-icon-[a-z-]+\.svg$/.test(name))
      add(`images/${name}`, readFileSync(join(nhsuk, 'assets/images', name)));
  }

  const hash = createHash('sha256');
  for (const [name, asset] of files) hash.update(name).update(asset.body);
  return { files, path: `/assets/${hash.digest('hex').slice(0, 16)}` };
}

export type Assets = ReturnType<typeof loadAssets>;

export function serveAssets(app: FastifyInstance, assets: Assets): void {
  app.get<{ Params: { '*': string } }>(`${assets.path}/*`, async (request, reply) => {
    const asset = assets.files.get(request.params['*']);
    if (!asset) throw notFound();
    reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('vary', 'accept-encoding')
      .type(asset.type);
    const accepted = String(request.headers['accept-encoding'] ?? '');
    if (/\bbr\b/.test(accepted)) {
      asset.brotli ??= brotliCompressSync(asset.body, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } });
      return reply.header('content-encoding', 'br').send(asset.brotli);
    }
    if (/\bgzip\b/.test(accepted)) {
      asset.gzip ??= gzipSync(asset.body);
      return reply.header('content-encoding', 'gzip').send(asset.gzip);
    }
    return reply.send(asset.body);
  });
}

/** nhsuk-frontend asks assets.nhs.uk for Frutiger, which only NHS services may use: Arial is its own fallback. */
const withoutRemoteFont = (css: string): string =>
  css
    .replace(/@font-face\{[^}]*\}/g, '')
    .replaceAll('Frutiger W01,arial', 'arial')
    .replaceAll('url(/assets/', 'url(')
    .replace(/\/\*# sourceMappingURL=.*?\*\//, '');

const withoutSourceMap = (script: string): string => script.replace(/\/\/# sourceMappingURL=.*$/, '');
