/** A Binary that an attachment keeps its content in; `version` null: as it is now. */
export type BinaryAddress = { id: string; version: number | null };

/**
 * An attachment's address as it reads below this service's FHIR bases, of which all give the same: absolute, from the
 * host's root, or relative (R4 section 2.24.0.12 has it relative to the base). Null for one of elsewhere.
 * @param baseUrl where this service answers, without a slash at its end
 */
export function ownAddress(url: string, baseUrl: string): string | null {
  if (url.startsWith('//')) return null;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) return belowBase(url);
  const href = URL.parse(url)?.href ?? url;
  return href.startsWith(`${baseUrl}/`) ? belowBase(href.slice(baseUrl.length)) : null;
}

const belowBase = (path: string): string =>
  path.replace(/^\/+/, '').replace(/^(?:organisations\/[^/]+\/)?fhir\/R4\//, '');

/** The Binary of ours that an attachment's address names, if it names one. */
export function binaryAt(url: string, baseUrl: string): BinaryAddress | null {
  const [, id, version] = BINARY.exec(ownAddress(url, baseUrl) ?? '') ?? [];
  return id === undefined ? null : { id, version: version === undefined ? null : Number(version) };
}

const BINARY = /^Binary\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/_history\/([1-9]\d{0,8}))?$/;
