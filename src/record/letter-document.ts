import type { Attachment, Binary, DocumentReference } from '@medplum/fhirtypes';
import { ATTACHMENTS_MAX } from '../attachments/index.ts';
import { isUuid } from '../ids.ts';
import { type Reader, readLetterBinary, type SourceRow } from './store.ts';
import { parseResource } from './views/parse-resource.ts';

/**
 * A letter's document, with what it keeps in Binary resources of ours in the place of the references. Addresses
 * elsewhere are never followed.
 */
export async function letterDocument(client: Reader, row: SourceRow): Promise<DocumentReference> {
  const letter = parseResource<DocumentReference>(row.content);
  const content = (letter.content ?? []).slice(0, ATTACHMENTS_MAX);
  const read = new Map<string, Binary | null>();
  for (const { attachment } of content) {
    const id = binaryOf(attachment);
    if (id === null) continue;
    if (!read.has(id)) {
      const stored = await readLetterBinary(client, row.id, id);
      read.set(id, stored === undefined ? null : parseResource<Binary>(stored));
    }
    const binary = read.get(id);
    if (binary?.data) Object.assign(attachment, { contentType: binary.contentType, data: binary.data });
  }
  return { ...letter, content };
}

function binaryOf({ data, url }: Attachment): string | null {
  const id = data === undefined ? /^Binary\/(.+)$/.exec(url ?? '')?.[1] : undefined;
  return id !== undefined && isUuid(id) ? id : null;
}
