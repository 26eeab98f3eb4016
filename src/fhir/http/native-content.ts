import type { Answer } from './answer.ts';
import type { Call } from './call.ts';
import { acceptedTypes, isFhirFormat } from './formats.ts';
import { Refusal } from './refusal.ts';

/**
 * Whether a read is for a Binary's content itself rather than for the resource (R4 section 2.47.4): its `Accept` names
 * a type, and none of FHIR's.
 */
export function wantsContent(
  { headers, query }: Pick<Call, 'headers' | 'query'>,
  type: string,
  interaction: string,
): boolean {
  if (type !== 'Binary' || (interaction !== 'read' && interaction !== 'vread')) return false;
  if (new URLSearchParams(query).has('_format')) return false;
  const types = acceptedTypes(headers.accept ?? '');
  return types.some((name) => !name.includes('*')) && !types.some(isFhirFormat);
}

/** The answer with the content of the Binary that it holds. Whatever it is, no browser shows it under our name. */
export function contentOf(answer: Answer, call: Pick<Call, 'headers'>): Answer | Refusal {
  if (answer.body === null) return answer;
  const { contentType, data, securityContext } = JSON.parse(answer.body.toString()) as {
    contentType: string;
    data?: string;
    securityContext?: { reference?: string };
  };
  const [name = ''] = contentType.toLowerCase().split(';');
  const [main] = name.split('/');
  const takes = acceptedTypes(call.headers.accept ?? '');
  if (!takes.some((one) => one === name.trim() || one === '*/*' || one === `${main}/*`)) {
    return new Refusal('format-not-acceptable', {
      text: 'The content is of another type. Ask for application/fhir+json to learn which, or for */* as well.',
    });
  }
  const reference = securityContext?.reference;
  return {
    ...answer,
    content: Buffer.from(data ?? '', 'base64'),
    headers: {
      ...answer.headers,
      'content-type': HEADER_SAFE.test(contentType) ? contentType : 'application/octet-stream',
      'content-disposition': 'attachment',
      'content-security-policy': "default-src 'none'; sandbox",
      ...(reference && HEADER_SAFE.test(reference) && { 'x-security-context': reference }),
    },
  };
}

const HEADER_SAFE = /^[\x20-\x7e]+$/;
