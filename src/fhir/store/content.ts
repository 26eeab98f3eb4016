import { PRIVACY_LABEL_SYSTEM, SERVER_SYSTEMS, SOURCE_ORGANISATION_SYSTEM } from './labels.ts';

export type JsonObject = Record<string, unknown>;

/**
 * Stand in the stored text for what only the writing statement knows: the database puts them right (`fhir_filled`)
 * without a look at the data beforehand. No JSON text holds these characters: JSON.stringify escapes them.
 */
export const VERSION_MARK = '\u0001';
export const TIME_MARK = '\u0002';
export const LABEL_MARK = '\u0003';

export type ServerSet = {
  id: string;
  version: string;
  /** An instant, ISO 8601 in UTC. */
  at: string;
  organisationId: string;
  label: string;
};

/**
 * The exact JSON that is stored and answered: the resource with what the server sets (FHIR R4 section 2.26.3.1), in
 * canonical order. The sender's profiles, tags and other security labels stay.
 */
export function contentOf(resource: JsonObject, set: ServerSet): string {
  const { resourceType, id: _id, meta, ...rest } = resource;
  // Values of four fixed kinds, none of which JSON would escape: they are spliced in, marks and all.
  const own = [
    `{"system":"${PRIVACY_LABEL_SYSTEM}","code":"${set.label}"}`,
    `{"system":"${SOURCE_ORGANISATION_SYSTEM}","code":"${set.organisationId}"}`,
  ];
  const { versionId: _version, lastUpdated: _at, security, ...kept } = (meta ?? {}) as JsonObject;
  const others = clientSecurity(security).map((coding) => JSON.stringify(coding));
  const more = inner(kept);
  const body = inner(rest);
  return (
    `{"resourceType":${JSON.stringify(resourceType)},"id":"${set.id}",` +
    `"meta":{"versionId":"${set.version}","lastUpdated":"${set.at}",` +
    `"security":[${[...others, ...own].join(',')}]${more && ',' + more}}${body && ',' + body}}`
  );
}

/** What the index is made from: without what the server sets, which has columns of its own. */
export function withoutServerSet(resource: JsonObject): JsonObject {
  const { id: _id, meta, ...rest } = resource;
  const { versionId: _version, lastUpdated: _at, security, ...kept } = (meta ?? {}) as JsonObject;
  const others = clientSecurity(security);
  return { ...rest, meta: others.length > 0 ? { ...kept, security: others } : kept };
}

/** The security labels of a resource that are the sender's own: not the privacy label, not the source. */
function clientSecurity(security: unknown): JsonObject[] {
  if (!Array.isArray(security)) return [];
  return security.filter(({ system }) => !SERVER_SYSTEMS.has(system));
}

const inner = (object: JsonObject) => JSON.stringify(object).slice(1, -1);
