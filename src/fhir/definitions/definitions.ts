/**
 * What the R4 definitions say, as the rest of the FHIR room asks for it.
 * All of it is distilled from HL7's own definitions (FHIR R4 4.0.1, CC0) at first start.
 */
export interface Definitions {
  /** Every concrete R4 resource type: 146 names. */
  readonly resourceTypes: ReadonlySet<string>;
  /** The standard search parameters of one type, base parameters (`_id`, `_tag` …) included; none for an unknown type. */
  searchParameters(resourceType: string): readonly SearchParameter[];
  searchParameter(resourceType: string, code: string): SearchParameter | undefined;
  /** `system|code` of every code in a required binding's value set; undefined where the set has no finite list. */
  requiredCodes(valueSetUrl: string): ValueSetCodes | undefined;
  /** The search parameters that place a resource type in the R4 patient compartment (`{def}` means the type itself). */
  readonly patientCompartment: ReadonlyMap<string, readonly string[]>;
  /** Makes the element definitions of a type known to the FHIRPath engine and validator; cheap when they already are. */
  load(resourceType: string): void;
}

export type SearchParameterType =
  | 'token'
  | 'reference'
  | 'date'
  | 'string'
  | 'number'
  | 'quantity'
  | 'uri'
  | 'composite'
  | 'special';

export interface SearchParameter {
  readonly code: string;
  readonly type: SearchParameterType;
  readonly expression: string;
  /** For references: the resource types it may point to. */
  readonly target?: readonly string[];
  /** Where the values lie in this resource type; empty for composite and special parameters. */
  readonly paths: readonly SearchPath[];
  /**
   * Set for a token parameter whose every value is a bare code, boolean, string or uri: the code systems that
   * such a value silently belongs to (R4 section 3.1.1.4.10). Its values are indexed without any system.
   */
  readonly impliedSystems?: readonly string[];
}

/** One way from a resource to values of one data type. */
export interface SearchPath {
  readonly steps: readonly SearchStep[];
  readonly type: string;
}

export type SearchStep =
  | readonly ['get', key: string]
  | readonly ['equals', key: string, value: string]
  | readonly ['refers', resourceType: string]
  | readonly ['at', index: number]
  /** true when any of these properties is there and is not `false` (the one shape in which R4 computes a value). */
  | readonly ['truth', ...keys: string[]];

export interface ValueSetCodes {
  readonly codes: ReadonlySet<string>;
  readonly systemAndCodes: ReadonlySet<string>;
}
