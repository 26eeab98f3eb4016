import { bodyOf } from '../http/body.ts';
import type { Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { Room } from '../room.ts';
import type { JsonObject } from '../store/content.ts';
import { validateResource } from '../validation/validate-resource.ts';
import { relativeAttachments } from './attachment-addresses.ts';
import { binaryOf } from './native-binary.ts';
import { ownLabel } from './own-label.ts';
import { ownerOf } from './owner.ts';
import { ownBases, relativeReferences } from './references.ts';

/** A resource that was sent, valid and ready to become a row. */
export type Incoming = {
  resource: JsonObject;
  printed: JsonObject;
  /** The privacy label that the sender gave it. */
  label: number | undefined;
  /** The patient it is about; null: nobody's. A Patient's own id is not looked at. */
  patientId: string | null;
};

/**
 * Reads and checks the body of a write on `type`, of the resource `id` if there is one already.
 * @throws {Refusal} that depends on the request alone.
 */
export function incoming(room: Room, call: Call, type: string, id?: string): Incoming {
  const { resource, printed } = type === 'Binary' ? binaryOf(call, id) : bodyOf(call);
  return checked(room, call, type, resource, printed);
}

/** The same for a resource out of a Bundle. */
export function checked(room: Room, call: Call, type: string, resource: unknown, printed: unknown): Incoming {
  const baseUrl = room.context.baseUrl();
  const bases = ownBases(baseUrl, call);
  for (const tree of new Set([resource, printed])) {
    relativeReferences(tree, bases);
    relativeAttachments(tree, baseUrl);
  }
  const issues = validateResource(room.definitions, resource, type);
  if (issues.length > 0) throw new Refusal('resource-invalid', { issues });
  const valid = resource as JsonObject;
  return {
    resource: valid,
    printed: printed as JsonObject,
    label: ownLabel(valid),
    patientId: type === 'Patient' ? null : ownerOf(type, valid),
  };
}
