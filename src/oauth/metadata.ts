import type { Context } from '../context.ts';
import { AUTH_METHODS, PATHS, SIGNING_ALGORITHMS } from './endpoints.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { OPERATIONS } from './scopes.ts';

/** Authorization server metadata (RFC 8414): what is supported, and nothing else. */
export function authorizationServerMetadata(issuer: string) {
  return {
    issuer,
    token_endpoint: `${issuer}${PATHS.token}`,
    token_endpoint_auth_methods_supported: METHODS,
    token_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
    introspection_endpoint: `${issuer}${PATHS.introspect}`,
    introspection_endpoint_auth_methods_supported: METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
    revocation_endpoint: `${issuer}${PATHS.revoke}`,
    revocation_endpoint_auth_methods_supported: METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
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

const METHODS = [...AUTH_METHODS];
const ALGORITHMS = [...SIGNING_ALGORITHMS];
const SCOPES = ['*', ...RESOURCE_TYPES]
  .map((type) => `system/${type}.cruds`)
  .concat(OPERATIONS.map((name) => `system/${name}`));
