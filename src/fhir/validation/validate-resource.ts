import { validateResource as checkAgainstSchema, OperationOutcomeError } from '@medplum/core';
import type { OperationOutcomeIssue, Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../definitions/definitions.ts';
import { checkLimits } from './check-limits.ts';
import { checkStructure } from './check-structure.ts';
import { checkUniqueness } from './check-uniqueness.ts';
import { type Issue, type IssueCode, issue } from './issue.ts';

/**
 * Checks parsed JSON against the R4 definition of a resource type: structure, data types, cardinality, required
 * bindings, references, narrative, invariants. Returns the reasons to refuse it, at most 50; none means valid.
 * Never throws for anything that JSON.parse can produce, and takes time in proportion to the size.
 */
export function validateResource(definitions: Definitions, resource: unknown, expectedType: string): Issue[] {
  if (!definitions.resourceTypes.has(expectedType)) {
    return [issue('structure', 'Resource', 'The resource type is not one of FHIR R4')];
  }
  if (!isObject(resource)) return [issue('structure', expectedType, 'A resource must be a JSON object')];
  if (resource.resourceType !== expectedType) {
    return [
      issue('structure', expectedType + '.resourceType', `resourceType must be "${expectedType}" here`),
    ];
  }
  const shape = checkLimits(resource, expectedType);
  if (shape.length > 0) return shape;
  // The engine below takes the right kind of JSON value for granted, so it only sees what passed this.
  const { issues, plain } = checkStructure(definitions, resource, expectedType);
  if (issues.length > 0) return issues.slice(0, MOST_ISSUES);
  // Ten times slower than the walk, so it is only asked what the walk could not tell.
  const engine = plain ? [] : schemaIssues(resource, expectedType);
  return [...engine, ...checkUniqueness(resource, expectedType)].slice(0, MOST_ISSUES);
}

const MOST_ISSUES = 50;

/** Attachments are limited by the size of the request, not by their own. */
const BASE64_BYTES_MAX = 32 * 1024 * 1024;

function schemaIssues(resource: Record<string, unknown>, type: string): Issue[] {
  try {
    checkAgainstSchema(resource as unknown as Resource, { base64BinaryMaxBytes: BASE64_BYTES_MAX });
    return [];
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) {
      return [issue('processing', type, 'The resource could not be checked against its definition')];
    }
    const found = error.outcome.issue.filter((one) => one.severity === 'error').map(toIssue);
    // An invariant that could not be evaluated is reported beside the invariant itself.
    const plain = found.filter((one) => one.code !== 'processing');
    return plain.length > 0 ? plain : found;
  }
}

/** The engine's texts hold paths, types and the definitions' own words; its `diagnostics` may hold values. */
function toIssue(found: OperationOutcomeIssue): Issue {
  const text = found.details?.text ?? 'Not valid';
  const where = (found.expression?.[0] ?? '').replaceAll('[x]', '');
  if (found.code === 'processing') return issue('processing', where, 'A rule could not be evaluated here');
  return issue(codeOf(found, text), where, text);
}

function codeOf(found: OperationOutcomeIssue, text: string): IssueCode {
  if (found.code === 'invariant') return 'invariant';
  if (text.startsWith('Missing required')) return 'required';
  if (/format$|value$|non-whitespace|integer|range/.test(text)) return 'value';
  return text.includes('larger than') || text.includes('exceeds') ? 'too-long' : 'structure';
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
