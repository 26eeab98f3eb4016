import type { ValueSetCodes } from '../definitions/definitions.ts';
import { type Issue, issue } from './issue.ts';

/**
 * R4 section 4.1.5 (required binding): the code must come from the value set. A CodeableConcept needs one coding
 * from it; one that has neither coding nor extension has no code at all, and is refused as well.
 */
export function checkBinding(value: unknown, type: string, set: ValueSetCodes, path: string): Issue[] {
  if (typeof value === 'string') return set.codes.has(value) ? [] : [refusal(value, set, path)];
  if (typeof value !== 'object' || value === null) return [];
  if (type === 'Coding') return codingIssues([value as Coding], set, path);
  if (type !== 'CodeableConcept') return [];
  const { coding, extension } = value as { coding?: Coding[]; extension?: unknown };
  if (coding === undefined) return extension ? [] : [refusal(undefined, set, path)];
  // What is not an array has been reported as that.
  return Array.isArray(coding) ? codingIssues(coding, set, path) : [];
}

interface Coding {
  system?: string;
  code?: string;
  extension?: unknown;
}

function codingIssues(codings: Coding[], set: ValueSetCodes, path: string): Issue[] {
  if (codings.some((coding) => isMember(coding, set))) return [];
  return [refusal(codings.find((coding) => coding?.code)?.code, set, path)];
}

function isMember(coding: Coding, set: ValueSetCodes): boolean {
  if (!coding?.code) return Boolean(coding?.extension);
  return coding.system
    ? set.systemAndCodes.has(coding.system + '|' + coding.code)
    : set.codes.has(coding.code);
}

function refusal(code: unknown, set: ValueSetCodes, path: string): Issue {
  const shown = typeof code === 'string' && /^[\w.-]{1,40}$/.test(code) ? `"${code}" is` : 'The code is';
  const allowed = set.codes.size <= 20 ? ': ' + [...set.codes].join(', ') : ' that FHIR R4 requires';
  return issue(
    'code-invalid',
    path,
    `${code ? shown : 'A code is required that is'} not one of the codes${allowed}`,
  );
}
