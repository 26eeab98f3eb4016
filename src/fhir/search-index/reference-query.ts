import type { SearchParameter } from '../definitions/definitions.ts';
import { withoutVersion } from './converters.ts';
import { entry } from './entries.ts';
import { type Parsed, parsed, parseEach, refused } from './parsed.ts';
import { splitValue, unescapeValue } from './split-value.ts';

export interface ReferenceQueryOptions {
  /** From `subject:Patient=1`. */
  modifierType?: string;
  /** FHIR bases at which our own resources answer: addresses under them are relative references here. */
  bases?: readonly string[];
}

/**
 * The entries of which a resource must have at least one to match a reference search: `id`, `Type/id` or an
 * address, several divided by commas. A bare id is tried with every type that the parameter may point to.
 * For `:identifier` use `codedQuery(identifierCode(code), raw)`.
 */
export function referenceQuery(
  parameter: SearchParameter,
  raw: string,
  { modifierType, bases = [] }: ReferenceQueryOptions = {},
): Parsed<string[]> {
  const { code, target = [] } = parameter;
  if (modifierType && !target.includes(modifierType)) {
    return refused(`${code} cannot point to ${modifierType}`);
  }
  return parseEach(splitValue(raw, ','), (part) => {
    const sought = withoutVersion(relative(unescapeValue(part), bases));
    if (sought === '') return refused(`The value of ${code} is empty: give an id, Type/id or an address`);
    if (/^[a-z][a-z0-9+.-]*:/i.test(sought)) return parsed([entry(code, sought)]);
    const typed = /^([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}$/.exec(sought);
    if (typed) {
      const contradicted = modifierType && typed[1] !== modifierType;
      return contradicted
        ? refused(`${code}:${modifierType} has a value of another type`)
        : parsed([entry(code, sought)]);
    }
    if (!/^[A-Za-z0-9\-.]{1,64}$/.test(sought)) return refused(`${code} takes an id, Type/id or an address`);
    return parsed((modifierType ? [modifierType] : target).map((type) => entry(code, type + '/' + sought)));
  });
}

/** The exact address of a uri parameter, or of one of several. */
export function uriQuery(parameter: SearchParameter, raw: string): Parsed<string[]> {
  return parseEach(splitValue(raw, ','), (part) => {
    const address = unescapeValue(part);
    return address
      ? parsed([entry(parameter.code, address)])
      : refused(`The value of ${parameter.code} is empty`);
  });
}

function relative(address: string, bases: readonly string[]): string {
  const base = bases.find((one) => address.startsWith(one.replace(/\/*$/, '/')));
  return base ? address.slice(base.replace(/\/*$/, '/').length) : address;
}
