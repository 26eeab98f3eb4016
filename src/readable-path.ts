/**
 * An address whose path can be decoded. A router that cannot decode one answers by itself, past every rule of the
 * rooms (and quotes the address back); with the undecodable part replaced by U+FFFD, which is in no address of ours,
 * the room whose path it is answers and audits it like any other unknown address.
 */
export function readablePath(url: string): string {
  if (!url.includes('%')) return url;
  const end = url.search(/[?#]|$/);
  const path = url.slice(0, end);
  if (decodes(path)) return url;
  const mended = path.replaceAll(/%(?![0-9a-f]{2})/gi, REPLACEMENT);
  return (decodes(mended) ? mended : mended.replaceAll(/%[89a-f][0-9a-f]/gi, REPLACEMENT)) + url.slice(end);
}

const REPLACEMENT = '%EF%BF%BD';

function decodes(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
