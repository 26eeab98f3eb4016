import { type BinaryAddress, binaryAt, ownAddress } from '../../attachments/index.ts';
import { routeOf } from '../../ids.ts';
import type { Call } from '../http/call.ts';
import { askedBy } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { Room } from '../room.ts';
import type { JsonObject } from '../store/content.ts';
import { findFiles } from '../store/find-files.ts';
import type { Incoming } from './incoming.ts';

type Attachment = { url?: unknown; data?: unknown };

/** Makes the addresses of Binaries of ours, in which a letter keeps its content, relative, as references are. */
export function relativeAttachments(document: unknown, baseUrl: string): void {
  for (const attachment of attachmentsOf(document)) {
    const { url } = attachment;
    if (typeof url === 'string' && binaryAt(url, baseUrl)) attachment.url = ownAddress(url, baseUrl);
  }
}

/**
 * Whether the patient will be able to open what a letter keeps with us: each Binary that it names must be there, about
 * the same patient, and written by the same organisation. Of one that is not there nothing else is said than of one that
 * is somebody else's. Addresses elsewhere are the sender's affair, and what the patient is not shown need not open.
 * @param letter of the permission that the write needs
 * @throws {Refusal} 'attachment-unknown' with the places of all that will not open.
 */
export async function checkAddresses(
  room: Room,
  call: Call,
  letter: 'c' | 'u',
  { resource, patientId }: Incoming,
): Promise<void> {
  if (resource.resourceType !== 'DocumentReference' || patientId === null || !isShown(resource)) return;
  const baseUrl = room.context.baseUrl();
  const kept = attachmentsOf(resource).flatMap(({ url, data }, at) =>
    data === undefined && typeof url === 'string' && isHere(url, baseUrl)
      ? [{ at, file: binaryAt(url, baseUrl) ?? NONE }]
      : [],
  );
  if (kept.length === 0) return;
  const files = kept.map(({ file }) => ({ ...file, route: routeOf(file.id) }));
  const { outcome, found } = await findFiles(room.query, askedBy(call, 'DocumentReference', letter), {
    patientId,
    files,
  });
  // Who may not write is told that, by the write itself.
  if (outcome !== 'allowed') return;
  const missing = kept.filter((_, n) => !found.includes(n + 1));
  if (missing.length === 0) return;
  throw new Refusal('attachment-unknown', {
    issues: missing.map(({ at }) => ({
      code: 'not-found',
      diagnostics: 'No Binary of this organisation about the same patient has this address',
      expression: `DocumentReference.content[${at}].attachment.url`,
    })),
  });
}

/** As the database has it, which keeps the patient's letters (`keep_letter`, migration 0011). */
const isShown = ({ status, docStatus = 'final' }: JsonObject): boolean =>
  status === 'current' && docStatus !== 'preliminary' && docStatus !== 'entered-in-error';

/** Looked for like any other, so that nothing differs. */
const NONE: BinaryAddress = { id: '00000000-0000-0000-0000-000000000000', version: null };

/** Below our own bases, or the name of an entry that is in no Bundle (any more): nobody else can give it. */
const isHere = (url: string, baseUrl: string): boolean =>
  ownAddress(url, baseUrl) !== null || /^urn:uuid:/i.test(url);

/** Also of what is not valid yet. */
function attachmentsOf(document: unknown): Attachment[] {
  const { resourceType, content } = (document ?? {}) as JsonObject;
  if (resourceType !== 'DocumentReference' || !Array.isArray(content)) return [];
  return content.map((one: { attachment?: unknown } | null) => {
    const attachment = one?.attachment;
    return typeof attachment === 'object' && attachment !== null ? attachment : {};
  });
}
