import type { Page, Sent } from './step-spec.ts';
import type { Type } from './world-spec.ts';

/** A request in a world that exists: ids instead of places. */
export type Request = {
  secret: string | null;
  /** As the address or the header names it; undefined: not at all. */
  named: string | undefined;
  inHeader: boolean;
  /** Its public id; null: nobody's. */
  organisation: string | null | undefined;
  act: ResolvedAct;
};

export type Body = Omit<Sent, 'patient' | 'identifier'> & {
  patient: string | null;
  identifier: string | null;
  marker: string;
  /** Of a Patient. */
  national?: string | null;
  birthDate?: string;
};

export type ResolvedAct =
  | { act: 'read' | 'history'; type: Type; id: string }
  | { act: 'vread'; type: Type; id: string; version: number }
  | { act: 'delete'; type: Type; id: string; ifMatch: number | null }
  | { act: 'update'; type: Type; id: string; body: Body; ifMatch: number | null }
  | {
      act: 'search';
      type: Type;
      patient: string | null;
      ids: string[] | null;
      identifier: string | null;
      page: Page;
    }
  | { act: 'create' | 'create-once' | 'update-conditional'; type: Type; body: Body }
  | {
      act: 'register';
      type: 'Patient';
      national: string;
      birthDate: string;
      label: number | null;
      marker: string;
    };

const IDENTIFIER_SYSTEM = 'https://systems.example/numbers';
const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';
const PRIVACY_LABEL = 'http://fhir.patientsknowbest.com/codesystem/privacy-label';
export const LABELS = ['GENERAL_HEALTH', 'MENTAL_HEALTH', 'SEXUAL_HEALTH', 'SOCIAL_CARE'];

/** A valid resource that can be told from every other by its marker. */
export function resourceOf(
  type: Type,
  { patient, label, identifier, marker, national = null, birthDate = '1980-02-03' }: Body,
): Record<string, unknown> {
  const identifiers = [
    ...(identifier === null ? [] : [{ system: IDENTIFIER_SYSTEM, value: identifier }]),
    ...(national === null ? [] : [{ system: NHS_NUMBER, value: national }]),
  ];
  const subject = patient === null ? undefined : { reference: `Patient/${patient}` };
  const shared = {
    resourceType: type,
    ...(label !== null && { meta: { security: [{ system: PRIVACY_LABEL, code: LABELS[label] }] } }),
    ...(identifiers.length > 0 && { identifier: identifiers }),
  };
  switch (type) {
    case 'Patient':
      return { ...shared, birthDate, name: [{ family: marker }] };
    case 'Location':
      return { ...shared, name: marker };
    case 'Consent':
      return {
        ...shared,
        status: 'active',
        scope: { text: 'Treatment' },
        category: [{ text: 'Treatment' }],
        policyRule: { text: marker },
        ...(subject && { patient: subject }),
      };
    case 'Condition':
      // R4 demands a subject, which need be no patient.
      return { ...shared, code: { text: marker }, subject: subject ?? { display: 'A group' } };
    case 'Observation':
      return {
        ...shared,
        status: 'final',
        code: { text: 'Note' },
        ...(subject && { subject }),
        valueString: marker,
      };
  }
}

/** What tells one choice from another: the labels that are shared. */
export const choiceMarker = (labels: { code: string }[]) =>
  `shares ${labels.map(({ code }) => code).join(' ')}`;

// biome-ignore lint/suspicious/noExplicitAny: an answer is looked into freely.
export function markerOf(resource: any): string {
  if (resource.provision) return choiceMarker(resource.provision.securityLabel ?? []);
  if (resource.policyRule) return resource.policyRule.text;
  return resource.valueString ?? resource.code?.text ?? resource.name?.[0]?.family ?? resource.name;
}

/** The request as it goes over the wire. */
export function wireOf({ secret, named, inHeader, act }: Request) {
  const base = inHeader ? '/fhir/R4' : `/organisations/${named}/fhir/R4`;
  const headers: Record<string, string> = {};
  if (secret !== null) headers.authorization = `Bearer ${secret}`;
  if (inHeader && named !== undefined) headers['x-org-public-id'] = named;
  const { method, path, body, more } = wireOfAct(act);
  if (body !== undefined) headers['content-type'] = 'application/fhir+json';
  return { method, url: `${base}/${act.type}${path}`, headers: { ...headers, ...more }, payload: body };
}

type Wire = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: string;
  more?: Record<string, string>;
};

function wireOfAct(act: ResolvedAct): Wire {
  const matching = (version: number | null) =>
    version === null ? undefined : { 'if-match': `W/"${version}"` };
  switch (act.act) {
    case 'read':
      return { method: 'GET', path: `/${act.id}` };
    case 'history':
      return { method: 'GET', path: `/${act.id}/_history` };
    case 'vread':
      return { method: 'GET', path: `/${act.id}/_history/${act.version}` };
    case 'delete':
      return { method: 'DELETE', path: `/${act.id}`, more: matching(act.ifMatch) };
    case 'update': {
      const body = JSON.stringify({ ...resourceOf(act.type, act.body), id: act.id });
      return { method: 'PUT', path: `/${act.id}`, body, more: matching(act.ifMatch) };
    }
    case 'search': {
      const query = parametersOf(act).toString();
      if (!act.page.post) return { method: 'GET', path: `?${query}` };
      const more = { 'content-type': 'application/x-www-form-urlencoded' };
      return { method: 'POST', path: '/_search', body: query, more };
    }
    case 'create':
      return { method: 'POST', path: '', body: JSON.stringify(resourceOf(act.type, act.body)) };
    case 'create-once': {
      const more = { 'if-none-exist': conditionOf(act.body) };
      return { method: 'POST', path: '', body: JSON.stringify(resourceOf(act.type, act.body)), more };
    }
    case 'update-conditional':
      return {
        method: 'PUT',
        path: `?${conditionOf(act.body)}`,
        body: JSON.stringify(resourceOf(act.type, act.body)),
      };
    case 'register': {
      const body = { patient: null, label: act.label, identifier: null, marker: act.marker };
      return {
        method: 'POST',
        path: '',
        body: JSON.stringify(
          resourceOf('Patient', { ...body, national: act.national, birthDate: act.birthDate }),
        ),
      };
    }
  }
}

const conditionOf = ({ identifier }: Body) => `identifier=${IDENTIFIER_SYSTEM}|${identifier}`;

function parametersOf({ patient, ids, identifier, page }: Extract<ResolvedAct, { act: 'search' }>) {
  const parameters = new URLSearchParams();
  if (patient !== null) parameters.append('patient', patient);
  if (ids !== null) parameters.append('_id', ids.join(','));
  if (identifier !== null) parameters.append('identifier', `${IDENTIFIER_SYSTEM}|${identifier}`);
  if (page.count !== null) parameters.append('_count', String(page.count));
  if (page.total) parameters.append('_total', 'accurate');
  if (page.sort) parameters.append('_sort', page.sort);
  if (page.only) parameters.append('_summary', 'count');
  return parameters;
}
