import type { Binary, DocumentReference } from '@medplum/fhirtypes';
import { ATTACHMENTS_MAX, binaryAt } from '../attachments/index.ts';
import { type Reader, readLetterBinary, type SourceRow } from './store.ts';
import { parseResource } from './views/parse-resource.ts';

/**
 * A letter's document, with what it keeps in Binary resources of ours in the place of the references. Addresses
 * elsewhere are never followed.
 * @param baseUrl where this service answers
 */
export async function letterDocument(
  client: Reader,
  row: SourceRow,
  baseUrl: string,
): Promise<DocumentReference> {
  const letter = parseResource<DocumentReference>(row.content);
  const content = (letter.content ?? []).slice(0, ATTACHMENTS_MAX);
  const read = new Map<string, Binary | null>();
  for (const { attachment } of content) {
    const { data, url } = attachment;
    const address = data === undefined && url !== undefined ? binaryAt(url, baseUrl) : null;
    if (address === null) continue;
    const key = JSON.stringify(address);
    if (!read.has(key)) {
      const stored = await readLetterBinary(client, row.id, address);
      read.set(key, stored === undefined ? null : parseResource<Binary>(stored));
    }
    const binary = read.get(key);
    if (binary?.data) Object.assign(attachment, { contentType: binary.contentType, data: binary.data });
  }
  return { ...letter, content };
}
