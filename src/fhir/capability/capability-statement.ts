import type { Context } from '../../context.ts';
import { canonicalOf, TOPICS } from '../../subscriptions/index.ts';
import type { Definitions } from '../definitions/definitions.ts';
import { operationsOf } from '../operations/operation-definitions.ts';
import { supportedParameters } from '../search/parse-search.ts';

const STARTED = new Date();

/** The CapabilityStatement (R4 section 5.3) of a base, as text: it says what is there, and is made once for each base. */
export function capabilityStatement(context: Context, definitions: Definitions) {
  const texts = new Map<string, string>();
  const resource = [...definitions.resourceTypes].sort().map((type) => resourceOf(definitions, type));
  return (base: string): string => {
    const known = texts.get(base);
    if (known) return known;
    const text = JSON.stringify(statementOf(context.baseUrl(), base, resource));
    // Anybody may ask with any organisation in the address: what they make up is not kept.
    if (texts.size < 20) texts.set(base, text);
    return text;
  };
}

function statementOf(
  baseUrl: string,
  base: string,
  resource: readonly { type: string; operation?: object[] }[],
) {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: STARTED.toISOString(),
    publisher: 'Connected Systems',
    kind: 'instance',
    software: { name: 'Connected Systems' },
    implementation: {
      description: 'FHIR R4 for systems to which an organisation has given access',
      url: base,
    },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        security: securityOf(baseUrl),
        resource: resource.map((one) => withOperations(baseUrl, one)),
        interaction: [{ code: 'batch' }, { code: 'transaction' }],
      },
    ],
  };
}

function securityOf(baseUrl: string) {
  const uri = (url: string, path: string) => ({ url, valueUri: baseUrl + path });
  return {
    cors: false,
    service: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
            code: 'SMART-on-FHIR',
            display: 'SMART-on-FHIR',
          },
        ],
        text: 'OAuth 2.0 client credentials (SMART Backend Services)',
      },
    ],
    extension: [
      {
        url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
        extension: [
          uri('token', '/oauth/token'),
          uri('introspect', '/oauth/introspect'),
          uri('revoke', '/oauth/revoke'),
        ],
      },
    ],
  };
}

function withOperations(baseUrl: string, resource: { type: string; operation?: object[] }) {
  const operation = [...(resource.operation ?? []), ...(operationsOf(baseUrl, resource.type) ?? [])];
  return operation.length > 0 ? { ...resource, operation } : resource;
}

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport';

/** A connection's own; see fhir/subscriptions. */
const SUBSCRIPTION = {
  extension: TOPICS.map((topic) => ({
    url: `${BACKPORT}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical`,
    valueCanonical: canonicalOf(topic),
  })),
  type: 'Subscription',
  supportedProfile: [`${BACKPORT}/StructureDefinition/backport-subscription`],
  interaction: ['read', 'update', 'delete', 'create', 'search-type'].map((code) => ({ code })),
  versioning: 'versioned-update',
  readHistory: false,
  updateCreate: false,
  operation: ['status', 'events'].map((name) => ({
    name,
    definition: `${BACKPORT}/OperationDefinition/backport-subscription-${name}`,
  })),
};

const DOCUMENTATION: Record<string, string | undefined> = {
  Consent:
    'A patient’s own sharing choice about the calling organisation is a Consent of scope patient-privacy and category INFA with the source-patient security label. It is read only; without one nothing is shared. Other Consents are those that systems write.',
};

const INTERACTIONS = ['read', 'vread', 'update', 'delete', 'history-instance', 'create', 'search-type'];

function resourceOf(definitions: Definitions, type: string) {
  if (type === 'Subscription') return SUBSCRIPTION;
  const parameters = supportedParameters(definitions, type);
  const conditional = parameters.some(({ code, type: kind }) => code === 'identifier' && kind === 'token');
  return {
    type,
    documentation: DOCUMENTATION[type],
    interaction: INTERACTIONS.map((code) => ({ code })),
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: false,
    conditionalCreate: conditional,
    conditionalRead: 'full-support',
    conditionalUpdate: conditional,
    conditionalDelete: 'not-supported',
    referencePolicy: ['literal', 'logical'],
    searchParam: parameters.map(({ code, type: kind }) => ({ name: code, type: kind })),
  };
}
