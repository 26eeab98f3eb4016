import type { FastifyInstance, LightMyRequestResponse } from 'fastify';

/**
 * A browser without script, for tests of pages: keeps cookies, sends back the form token of the page it last saw,
 * and follows no redirect unless told.
 */
export function pageClient(app: FastifyInstance, options: { address?: string } = {}) {
  const cookies = new Map<string, string>();
  let csrf = '';

  async function send(method: 'GET' | 'POST', url: string, payload?: string, headers: Headers = {}) {
    const response = await app.inject({
      method,
      url,
      payload,
      remoteAddress: options.address ?? '127.0.0.1',
      headers: {
        host: 'service.test',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(payload !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
    });
    for (const cookie of response.cookies) {
      if (cookie.value === '') cookies.delete(cookie.name);
      else cookies.set(cookie.name, cookie.value);
    }
    csrf = /name="_csrf" value="([^"]+)"/.exec(response.body)?.[1] ?? csrf;
    return response;
  }

  const client = {
    cookies,
    csrf: () => csrf,
    get: (url: string, headers?: Headers) => send('GET', url, undefined, headers),
    /** Sends a form with the token of the last page, or with `_csrf` from the fields. */
    post(url: string, fields: Record<string, string> | [string, string][] = {}, headers?: Headers) {
      const form = new URLSearchParams(fields);
      if (!form.has('_csrf')) form.append('_csrf', csrf);
      return send('POST', url, form.toString(), headers);
    },
    async follow(response: LightMyRequestResponse, hops = 5): Promise<LightMyRequestResponse> {
      let last = response;
      for (let hop = 0; hop < hops && last.headers.location; hop++)
        last = await client.get(last.headers.location);
      return last;
    },
  };
  return client;
}

type Headers = Record<string, string>;

export type PageClient = ReturnType<typeof pageClient>;

/** The text of a page as people read it, white space joined. */
export const textOf = (html: string): string =>
  html
    .replace(/<(script|style|head)[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim();
