/**
 * Where to go after sign-in: a path of this service and nothing else. Whatever a browser might read as another
 * host (`//host`, `/\host`, tabs and line ends that URL parsers drop) becomes the start page.
 */
export function safeNextPath(next: unknown): string {
  if (typeof next !== 'string' || next.length > 1000 || !/^\/(?![/\\])[\x21-\x7e]*$/.test(next)) return '/';
  const base = 'http://service.invalid';
  if (!URL.canParse(next, base)) return '/';
  const url = new URL(next, base);
  // Parsing may turn `/.//host` into the path `//host`, which on its own is another host.
  if (url.origin !== base || url.pathname.startsWith('//') || /^\/sign-(in|out)\b/.test(url.pathname))
    return '/';
  return url.pathname + url.search;
}
