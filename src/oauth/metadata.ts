import type { Context } from '../context.ts';
import { AUTH_METHODS, PATHS, SIGNING_ALGORITHMS } from './endpoints.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { OPERATIONS } from './scopes.ts';

/** Authorization server metadata (RFC 8414): what is supported, and nothing else. */
export function authorizationServerMetadata(issuer: string) {
  const authentication = {
    auth_methods_supported: [...AUTH_METHODS],
    auth_signing_alg_values_supported: [...SIGNING_ALGORITHMS],
  };
  return {
    issuer,
    ...endpoint('token', `${issuer}${PATHS.token}`, authentication),
    ...endpoint('introspection', `${issuer}${PATHS.introspect}`, authentication),
    ...endpoint('revocation', `${issuer}${PATHS.revoke}`, authentication),
    grant_types_supported: ['client_credentials'],
    // Required, and empty: there is no authorization endpoint.
    response_types_supported: [],
    scopes_supported: SCOPES,
  };
}

/**
 * `/.well-known/smart-configuration` of a FHIR base (SMART App Launch 2, "Conformance"), for a service without an
 * authorization endpoint: systems only, no launch.
 */
export function smartConfiguration(context: Pick<Context, 'baseUrl'>, _fhirBase: string) {
  const { issuer, response_types_supported, ...metadata } = authorizationServerMetadata(context.baseUrl());
  return {
    ...metadata,
    code_challenge_methods_supported: [],
    capabilities: ['client-confidential-asymmetric', 'client-confidential-symmetric', 'permission-v2'],
  };
}

const SCOPES = ['*', ...RESOURCE_TYPES]
  .map((type) => `system/${type}.cruds`)
  .concat(OPERATIONS.map((name) => `system/${name}`));

function endpoint(
  name: string,
  url: string,
  settings: Record<string, string[]>,
): Record<string, string | string[]> {
  const entries = Object.entries(settings).map(([key, value]) => [`${name}_endpoint_${key}`, value]);
  return { [`${name}_endpoint`]: url, ...Object.fromEntries(entries) };
}
