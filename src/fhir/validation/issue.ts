/** The FHIR issue types (R4 value set `issue-type`) that validation uses. */
export type IssueCode =
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'code-invalid'
  | 'invalid'
  | 'too-long'
  | 'processing'
  | 'security';

/**
 * One reason why a resource is refused. `expression` is where (`Observation.component[1].value`), `diagnostics` why.
 * Neither ever holds a value from the resource, except the code of a coded element: both end up in logs and screens.
 */
export interface Issue {
  severity: 'error';
  code: IssueCode;
  expression: string;
  diagnostics: string;
}

export const issue = (code: IssueCode, expression: string, diagnostics: string): Issue => ({
  severity: 'error',
  code,
  expression,
  diagnostics,
});
