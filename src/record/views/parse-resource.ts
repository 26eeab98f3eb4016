import type { Resource } from '@medplum/fhirtypes';

/**
 * The stored text as a resource. A decimal that JavaScript would print differently (7.0, 0.10) keeps its digits in
 * `valueAsSent` beside `value`, since FHIR gives them a meaning.
 */
export function parseResource<Type extends Resource>(content: string): Type {
  return reviving(content, function (this: Holder, key, value, context) {
    if (
      key === 'value' &&
      typeof value === 'number' &&
      context?.source &&
      /^-?\d+\.\d+$/.test(context.source)
    ) {
      if (context.source !== String(value)) this.valueAsSent = context.source;
    }
    return value;
  }) as Type;
}

type Holder = { valueAsSent?: string };
type Reviver = (this: Holder, key: string, value: unknown, context?: { source?: string }) => unknown;

/** TypeScript's library does not know the third argument of a reviver yet (ECMAScript, JSON.parse source text access). */
const reviving = JSON.parse as (text: string, reviver: Reviver) => unknown;
