import { NHS_NUMBER_SYSTEM } from '../src/demo/nhs-number.ts';
import { SYSTEM } from './bench-system.ts';
import type { Sample } from './sample.ts';

export const PATH_NAMES = ['token', 'read', 'identifier', 'observations', 'create'] as const;
export type PathName = (typeof PATH_NAMES)[number];

/** One HTTP request, plain enough to be sent to another process. */
export type Request = {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
};

export const TITLES: Record<PathName, string> = {
  token: 'token',
  read: 'read',
  identifier: 'search by identifier',
  observations: "search a patient's Observations by category and date",
  create: 'create',
};

/** What the paths are to reach of the bare server's rate at 64 clients. */
export const TARGETS: Partial<Record<PathName, number>> = {
  read: 0.5,
  identifier: 0.5,
  observations: 0.5,
  create: 0.35,
};

/** The same work as asked of the product: a list to draw from at random. */
export function productRequests(path: PathName, sample: Sample, fhirBase: string, token: string): Request[] {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/fhir+json' };
  const get = (rest: string): Request => ({ method: 'GET', path: `${fhirBase}/${rest}`, headers });
  switch (path) {
    case 'token':
      return [tokenRequest()];
    case 'read':
      return sample.resources.map(({ type, id }) => get(`${type}/${id}`));
    case 'identifier':
      return sample.patients.map(({ nhsNumber }) =>
        get(`Patient?identifier=${encodeURIComponent(`${NHS_NUMBER_SYSTEM}|${nhsNumber}`)}`),
      );
    case 'observations':
      return sample.patients.map(({ id }) =>
        get(`Observation?patient=${id}&category=${sample.category}&date=ge${sample.since}`),
      );
    case 'create':
      return sample.patients.map(({ id }) => ({
        method: 'POST',
        path: `${fhirBase}/Observation`,
        headers: { ...headers, 'content-type': 'application/fhir+json' },
        body: JSON.stringify(observationOf(id)),
      }));
  }
}

/** The same for the bare server, which is told outright where to look. */
export function bareRequests(path: PathName, sample: Sample): Request[] {
  const get = (rest: string): Request => ({ method: 'GET', path: `/${rest}`, headers: {} });
  switch (path) {
    case 'token':
      return [{ method: 'POST', path: '/token', headers: {}, body: '' }];
    case 'read':
      return sample.resources.map(({ id }) => get(`read/${id}`));
    case 'identifier':
      return sample.patients.map(({ nhsNumber }) => get(`identifier/${nhsNumber}`));
    case 'observations':
      return sample.patients.map(({ id }) => get(`observations/${id}/${sample.category}/${sample.since}`));
    case 'create':
      return sample.patients.map(({ id }) => ({
        method: 'POST',
        path: `/create/${id}`,
        headers: { 'content-type': 'application/fhir+json' },
        body: JSON.stringify(observationOf(id)),
      }));
  }
}

/** By client_secret_basic, for all that the paths need. */
export function tokenRequest(): Request {
  return {
    method: 'POST',
    path: '/oauth/token',
    headers: {
      authorization: `Basic ${Buffer.from(`${SYSTEM.clientId}:${SYSTEM.secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: SYSTEM.scopes.join(' '),
    }).toString(),
  };
}

function observationOf(patientId: string) {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [
      {
        coding: [
          { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' },
        ],
      },
    ],
    code: { coding: [{ system: 'http://loinc.org', code: '85354-9', display: 'Blood pressure panel' }] },
    subject: { reference: `Patient/${patientId}` },
    effectiveDateTime: '2026-03-14T08:30:00Z',
    component: [
      { code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] }, valueQuantity: pressure(134) },
      { code: { coding: [{ system: 'http://loinc.org', code: '8462-4' }] }, valueQuantity: pressure(82) },
    ],
  };
}

const pressure = (value: number) => ({
  value,
  unit: 'mmHg',
  system: 'http://unitsofmeasure.org',
  code: 'mm[Hg]',
});
