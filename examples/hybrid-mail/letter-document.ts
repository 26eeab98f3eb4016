import { createHash } from 'node:crypto';
import type { DocumentReference } from '@medplum/fhirtypes';
import type { Letter } from './read-letters.ts';

/** The name space of the sender's letter numbers. */
export const LETTER_IDS = 'https://postbridge.example.org/fhir/letter-id';

export const letterIdentifier = ({ id }: Pick<Letter, 'id'>) => ({ system: LETTER_IDS, value: id });

/** FHIR's own fingerprint of an attachment: SHA-1 in Base64 (R4 section 2.24.0.4). It proves nothing, it compares. */
const fingerprint = (content: Buffer) => createHash('sha1').update(content).digest('base64');

/** A request has at most 2 MB, of which Base64 takes a third: what is larger than this goes as a file of its own. */
export const INLINE_BYTES_MAX = 1024 * 1024;

/**
 * A letter for the patient, as it is sent.
 * @param options.url where its content is, when that went before it as a `Binary`
 */
export function letterDocument(
  patientId: string,
  letter: Letter,
  content: Buffer,
  { sentAt, url }: { sentAt: Date; url?: string },
): DocumentReference {
  return {
    resourceType: 'DocumentReference',
    identifier: [letterIdentifier(letter)],
    status: 'current',
    docStatus: 'final',
    type: { text: 'Letter to patient' },
    subject: { reference: `Patient/${patientId}` },
    date: sentAt.toISOString(),
    description: letter.title,
    content: [
      {
        attachment: {
          contentType: letter.contentType,
          ...(url === undefined ? { data: content.toString('base64') } : { url }),
          hash: fingerprint(content),
          title: letter.title,
        },
      },
    ],
  };
}

/** Whether what is there is this letter as the folder has it: to send it again would make it unread again. */
export function isSameLetter(there: DocumentReference, { title }: Letter, content: Buffer): boolean {
  const hash = there.content[0]?.attachment.hash;
  return hash === fingerprint(content) && there.description === title && there.status === 'current';
}
