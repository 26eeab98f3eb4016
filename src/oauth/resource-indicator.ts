import { isUuid } from '../ids.ts';

/** The FHIR base of one organisation: what `resource` (RFC 8707) must name to bind a token to it. */
export function fhirBaseOf(baseUrl: string, organisation: string): string {
  return `${baseUrl}/organisations/${organisation}/fhir/R4`;
}

/**
 * The organisation that a `resource` names, as a public id or an ODS code in capitals; undefined when it is not the
 * FHIR base of one on this service. One slash at the end is forgiven, nothing else: no query, fragment or other spelling.
 */
export function organisationOf(resource: string, baseUrl: string): string | undefined {
  const [, name = ''] = /\/organisations\/([A-Za-z0-9-]{3,36})\/fhir\/R4\/?$/.exec(resource) ?? [];
  if (resource.replace(/\/$/, '') !== fhirBaseOf(baseUrl, name)) return undefined;
  if (isUuid(name)) return name;
  return /^[A-Z0-9]{3,10}$/i.test(name) ? name.toUpperCase() : undefined;
}
