import { REFUSALS, type RefusalCode } from './refusal-codes.ts';

/** One thing that is wrong, and where: becomes an `OperationOutcome.issue`. */
export type RefusalIssue = { code: string; diagnostics: string; expression?: string };

/**
 * The one way in which a FHIR request is refused. `text` says it for people and never holds a value of a patient's.
 */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly status: number;
  readonly text: string;
  readonly issues: RefusalIssue[];
  readonly headers: Record<string, string>;

  constructor(
    code: RefusalCode,
    more: { text?: string; issues?: RefusalIssue[]; headers?: HeaderValues } = {},
  ) {
    super(code);
    this.code = code;
    this.status = REFUSALS[code].status;
    this.text = more.text ?? REFUSALS[code].text;
    this.issues = more.issues ?? [];
    this.headers = more.headers ?? {};
  }
}

type HeaderValues = Record<string, string>;

/** The system of every refusal code in `OperationOutcome.issue.details.coding`; a name, not an address. */
export const REFUSAL_SYSTEM = 'https://connected-systems.example/fhir/refusal-codes';

/** The OperationOutcome of a refusal, as JSON text. `reference` stands in the audit record of this request too. */
export function outcomeText(refusal: Refusal, reference: string): string {
  const { code, text, issues } = refusal;
  const details = { coding: [{ system: REFUSAL_SYSTEM, code }], text };
  const issue = REFUSALS[code].issue;
  const quoted = `Reference ${reference}`;
  const first =
    issues.length === 0
      ? [{ severity: 'error', code: issue, details, diagnostics: quoted }]
      : issues.map(({ code: issueCode, diagnostics, expression }, index) => ({
          severity: issueCode === 'informational' ? 'information' : 'error',
          code: issueCode,
          details: index === 0 ? details : undefined,
          diagnostics: index === 0 ? `${diagnostics}. ${quoted}` : diagnostics,
          expression: expression ? [expression] : undefined,
        }));
  return JSON.stringify({ resourceType: 'OperationOutcome', issue: first });
}

/** An OperationOutcome that says that something went well. */
export function successText(diagnostics: string): string {
  const issue = [{ severity: 'information', code: 'informational', diagnostics }];
  return JSON.stringify({ resourceType: 'OperationOutcome', issue });
}
