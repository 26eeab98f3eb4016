import { Refusal } from '../http/refusal.ts';
import type { Room } from '../room.ts';
import type { Incoming } from './incoming.ts';

/**
 * Checks the attachments that a patient is going to open. @throws {Refusal} when they may not be kept; 503 when the
 * virus scanner cannot be asked, for then nothing was looked at.
 */
export async function checkAttachments(room: Room, { resource, patientId }: Incoming): Promise<void> {
  if (patientId === null) return;
  const problems = await room.checkAttachments(resource).catch((error: unknown) => {
    room.context.log.error({ err: error }, 'the virus scanner could not be asked');
    throw new Refusal('unavailable', { headers: { 'retry-after': '30' } });
  });
  if (problems.length === 0) return;
  throw new Refusal('attachment-refused', {
    issues: problems.map(({ code, expression, text }) => ({
      code: code === 'attachment-size' ? 'too-long' : 'value',
      diagnostics: text,
      expression,
    })),
  });
}
