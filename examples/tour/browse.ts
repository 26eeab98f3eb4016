/**
 * Just enough of a browser without script: keeps cookies, follows redirects, fills in the forms of the page it is on.
 * What it can do, a person at the page can do; it knows no other way in.
 */
export function createVisitor(baseUrl: string) {
  const cookies = new Map<string, string>();

  async function go(path: string, body?: URLSearchParams, hops = 5): Promise<Page> {
    const url = new URL(path, baseUrl);
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      body,
      redirect: 'manual',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body && { origin: baseUrl }),
      },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location && hops > 0) return go(new URL(location, url).href, undefined, hops - 1);
    const html = await response.text();
    const heading = text(/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(html)?.[1] ?? '');
    if (!response.ok) throw new Error(`${url.pathname}: ${heading} (HTTP ${response.status})`);
    return { path: url.pathname, html, heading };
  }

  return {
    open: (path: string) => go(path),

    /** Sends the page's form to `action` as it stands, with these fields filled in. */
    submit(page: Page, action: string, filled: Record<string, string> = {}): Promise<Page> {
      const fields = new URLSearchParams(fieldsOf(page, action));
      for (const [name, value] of Object.entries(filled)) fields.set(name, value);
      return go(action, fields);
    },
  };
}

export type Visitor = ReturnType<typeof createVisitor>;
export type Page = { path: string; html: string; heading: string };

/** Every field of the form as a browser would send it: hidden and text fields, and what is ticked. */
function fieldsOf({ html, path }: Page, action: string): [string, string][] {
  const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)];
  const form = forms.find(([, attributes = '']) => attribute(attributes, 'action') === action)?.[2];
  if (form === undefined) throw new Error(`${path} has no form to ${action}`);
  return [...form.matchAll(/<input\b([^>]*)>/g)].flatMap(([, attributes = '']): [string, string][] => {
    const name = attribute(attributes, 'name');
    const choice = ['checkbox', 'radio'].includes(attribute(attributes, 'type') ?? '');
    if (!name || (choice && !/\schecked\b/.test(attributes))) return [];
    return [[name, attribute(attributes, 'value') ?? '']];
  });
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value && decoded(value);
}

/** What a piece of a page says, without its marks. */
export const text = (html: string): string =>
  decoded(html.replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .replace(/ (?=[.,;:])/g, '')
    .trim();

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const decoded = (html: string) =>
  html.replace(/&(?:#(\d+)|(amp|lt|gt|quot));/g, (_, code, name) =>
    code ? String.fromCodePoint(Number(code)) : NAMED[name]!,
  );
