import type { OperationOutcome } from '@medplum/fhirtypes';
import { adviceFor } from './advice.ts';

/** The service said no: with the code to act on, its words, and the reference that its records hold too. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly reference: string | null;

  constructor(parts: { status: number; code: string; text: string; reference: string | null }) {
    super(parts.text);
    this.name = 'Refused';
    this.status = parts.status;
    this.code = parts.code;
    this.reference = parts.reference;
  }
}

/** Reads the refusal out of an answer of the FHIR API (`OperationOutcome`) or of the token endpoint (RFC 6749 5.2). */
export async function refusalIn(response: Response): Promise<Refused> {
  const body = parsed(await response.text());
  const issues = (body as OperationOutcome | null)?.issue ?? [];
  const texts = issues.map(({ details, expression }) =>
    [expression?.[0], details?.text].filter(Boolean).join(': '),
  );
  const error = body as { error?: string; error_description?: string } | null;
  return new Refused({
    status: response.status,
    code: issues[0]?.details?.coding?.[0]?.code ?? error?.error ?? `http-${response.status}`,
    text: texts.filter(Boolean).join('\n') || error?.error_description || 'The service gave no reason.',
    reference: response.headers.get('x-request-id'),
  });
}

/** A refusal as a person at a terminal needs it: what, what to do, and what to quote. */
export function explain(refused: Refused): string {
  const lines = [
    `Refused: ${refused.message} (${refused.code}, HTTP ${refused.status})`,
    `What to do: ${adviceFor(refused.code, refused.status)}`,
  ];
  if (refused.reference) {
    lines.push(
      `Reference: ${refused.reference}`,
      'Quote it when you ask for help: the administrator sees it in the list of your calls.',
    );
  }
  return lines.join('\n');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
