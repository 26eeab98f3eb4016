import { createHash } from 'node:crypto';
import { createClamav, type Scan } from './clamav.ts';
import { contentKind } from './content-kind.ts';
import { createHtmlBudget } from './html-budget.ts';

type Json = Record<string, unknown>;

/** A fault in an attachment, with the FHIRPath of where it is. */
export type AttachmentProblem = {
  code: 'attachment-kind' | 'attachment-size' | 'attachment-hash' | 'attachment-virus' | 'visibility-delay';
  expression: string;
  text: string;
};

export const ATTACHMENT_BYTES_MAX = 10 * 1024 * 1024;
/** Of one letter. All of them are looked at when it is opened. */
export const ATTACHMENTS_MAX = 20;

export const VISIBLE_AFTER_DAYS = 'urn:connected-systems:extension:visible-after-days';
const DELAY_DAYS_MAX = 365;

/**
 * Checks what a valid resource about a patient carries for the patient to open: a DocumentReference's inline
 * attachments, or a Binary. Only PDF, HTML, text and pictures, known by their bytes; within the size limit; what the
 * sender says of size and hash must hold; free of viruses where a scanner is set. The caller writes only when there is
 * no problem.
 * @throws when the scanner cannot be asked: the write must fail then (503), for the attachment was not looked at.
 */
export function createCheckAttachments(
  options: { clamavSocket?: string | undefined },
  scan: Scan | undefined = options.clamavSocket ? createClamav(options.clamavSocket) : undefined,
) {
  return async function checkAttachments(resource: Json): Promise<AttachmentProblem[]> {
    const problems = resource.resourceType === 'DocumentReference' ? delayProblems(resource) : [];
    const attachments = attachmentsOf(resource);
    if (attachments.length > ATTACHMENTS_MAX) {
      return [
        ...problems,
        {
          code: 'attachment-size',
          expression: 'DocumentReference.content',
          text: `A letter has at most ${ATTACHMENTS_MAX} attachments.`,
        },
      ];
    }
    const takeHtml = createHtmlBudget();
    for (const { attachment, expression } of attachments) {
      const found = await problemOf(attachment, expression, takeHtml, scan);
      if (found) problems.push(found);
    }
    return problems;
  };
}

export type CheckAttachments = ReturnType<typeof createCheckAttachments>;

type Attachment = { contentType?: unknown; data?: unknown; size?: unknown; hash?: unknown };

function attachmentsOf(resource: Json): { attachment: Attachment; expression: string }[] {
  if (resource.resourceType === 'Binary') return [{ attachment: resource, expression: 'Binary' }];
  if (resource.resourceType !== 'DocumentReference') return [];
  const content = (resource.content ?? []) as { attachment: Attachment }[];
  return content.map(({ attachment }, at) => ({
    attachment,
    expression: `DocumentReference.content[${at}].attachment`,
  }));
}

async function problemOf(
  { contentType, data, size, hash }: Attachment,
  expression: string,
  takeHtml: ReturnType<typeof createHtmlBudget>,
  scan: Scan | undefined,
): Promise<AttachmentProblem | null> {
  if (typeof data !== 'string') return null;
  const problem = (code: AttachmentProblem['code'], text: string) => ({ code, expression, text });
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length > ATTACHMENT_BYTES_MAX) {
    return problem('attachment-size', 'The attachment is larger than the 10 MiB that are taken.');
  }
  if (typeof size === 'number' && size !== bytes.length) {
    return problem(
      'attachment-size',
      `The attachment has ${bytes.length} bytes, not the ${size} that size says.`,
    );
  }
  // FHIR R4 section 2.24.0.12: a SHA-1, in base64.
  if (typeof hash === 'string' && hash !== createHash('sha1').update(bytes).digest('base64')) {
    return problem('attachment-hash', 'The attachment’s hash is not that of its data.');
  }
  const kind = contentKind(bytes, typeof contentType === 'string' ? contentType : '');
  if (kind === null) {
    return problem(
      'attachment-kind',
      'Patients can open PDF, HTML, plain text (UTF-8), PNG, JPEG, GIF and WebP. The data must be what contentType says.',
    );
  }
  if (kind === 'html' && !takeHtml(bytes)) {
    return problem(
      'attachment-size',
      'A letter has at most 1 MiB of HTML with 20,000 tags. Send a longer one, or one with pictures in it, as PDF.',
    );
  }
  const scanned = await scan?.(bytes);
  if (scanned?.clean === false)
    return problem('attachment-virus', 'The virus scanner refuses the attachment.');
  return null;
}

function delayProblems(resource: Json): AttachmentProblem[] {
  const extensions = (resource.extension ?? []) as Json[];
  return extensions.flatMap((extension, at) => {
    if (extension.url !== VISIBLE_AFTER_DAYS) return [];
    const days = extension.valueUnsignedInt ?? extension.valuePositiveInt ?? extension.valueInteger;
    if (typeof days === 'number' && days >= 0 && days <= DELAY_DAYS_MAX) return [];
    return [
      {
        code: 'visibility-delay' as const,
        expression: `DocumentReference.extension[${at}]`,
        text: `The days until the patient sees the letter are a valueUnsignedInt from 0 to ${DELAY_DAYS_MAX}.`,
      },
    ];
  });
}
