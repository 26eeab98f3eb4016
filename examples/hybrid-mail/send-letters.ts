import type { DocumentReference } from '@medplum/fhirtypes';
import { concernsOneRequest, type FhirClient } from '../shared/fhir-client.ts';
import { findPatient } from '../shared/find-patient.ts';
import { inParallel } from '../shared/in-parallel.ts';
import { INLINE_BYTES_MAX, isSameLetter, letterDocument, letterIdentifier } from './letter-document.ts';
import { contentOf, type Letter } from './read-letters.ts';

type Options = { atOnce: number; signal: AbortSignal; now: () => Date; onDone: () => void };

export type SentLetter =
  | { how: 'sent' | 'there' | 'replaced'; sentAt: Date }
  | { how: 'refused'; why: string; code: string };

/**
 * Sends each letter to its patient's record. The record itself says which are there already, so a run after a break goes
 * on where that one stopped; a letter that the folder has otherwise now takes the place of the earlier one.
 * Letters that were not tried are not in the answer.
 */
export async function sendLetters(client: FhirClient, letters: readonly Letter[], options: Options) {
  const sent = new Map<string, SentLetter>();
  const failure = await inParallel(letters, options, async (letter) => {
    try {
      sent.set(letter.id, await sendOne(client, letter, options.now()));
    } catch (error) {
      if (!concernsOneRequest(error)) throw error;
      const why = `${error.message} (${error.code}, reference ${error.reference})`;
      sent.set(letter.id, { how: 'refused', why, code: error.code });
    }
    options.onDone();
  }).catch((error: unknown) => error);
  return { sent, failure };
}

async function sendOne(client: FhirClient, letter: Letter, now: Date): Promise<SentLetter> {
  const patient = await findPatient(client, letter.nhsNumber);
  if (!patient) {
    const why = 'no patient with this NHS number is registered with the organisation';
    return { how: 'refused', why, code: 'not-found' };
  }
  const identifier = letterIdentifier(letter);
  const content = contentOf(letter);
  const there = await letterThere(client, patient.id!, identifier);
  if (there && isSameLetter(there, letter, content)) return { how: 'there', sentAt: new Date(there.date!) };
  const url =
    content.length > INLINE_BYTES_MAX
      ? await client.createBinary(content, letter.contentType, patient.id!)
      : undefined;
  const document = letterDocument(patient.id!, letter, content, { sentAt: now, url });
  if (there) {
    await client.put(document, identifier);
    return { how: 'replaced', sentAt: now };
  }
  await client.createOnce(document, identifier);
  return { how: 'sent', sentAt: now };
}

async function letterThere(
  client: FhirClient,
  patient: string,
  { system, value }: ReturnType<typeof letterIdentifier>,
): Promise<DocumentReference | undefined> {
  for await (const one of client.search('DocumentReference', { patient, identifier: `${system}|${value}` }))
    return one;
  return undefined;
}
