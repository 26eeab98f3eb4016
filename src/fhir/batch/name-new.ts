import { newResourceId } from '../../ids.ts';
import { askedBy, type Call, type Followed } from '../http/call.ts';
import { targetOf } from '../http/target.ts';
import { ownLabel } from '../incoming/own-label.ts';
import { ownerOf } from '../incoming/owner.ts';
import { ownBases, relativeReferences } from '../incoming/references.ts';
import { contextKey } from '../incoming/security-context.ts';
import type { Room } from '../room.ts';
import type { JsonObject } from '../store/content.ts';
import { findContext } from '../store/find-context.ts';
import { GENERAL_HEALTH } from '../store/labels.ts';
import type { Part } from './parse-bundle.ts';
import { replaceReferences } from './replace-references.ts';

/**
 * Gives every new resource its id before any is written: they may refer to each other in a circle. Files come last, for
 * whose they are may be that of another entry.
 */
export async function nameNew(room: Room, parts: readonly Part[], ids: Map<string, string>): Promise<void> {
  const made = new Map<string, Followed>();
  const isFile = ({ call }: Part) => Number(call.segments[0] === 'Binary');
  for (const { call, fullUrl } of [...parts].sort((a, b) => isFile(a) - isFile(b) || a.at - b.at)) {
    const resource = call.parsed?.resource as JsonObject | null | undefined;
    const { type, interaction } = targetOrNone(room, call);
    // A conditional create may turn out to be a resource that is there; nothing can refer to it by this name.
    if (interaction !== 'create' || !resource || call.headers['if-none-exist'] !== undefined) continue;
    for (const tree of new Set([resource, call.parsed?.printed])) {
      replaceReferences(tree, ids);
      relativeReferences(tree, ownBases(room.context.baseUrl(), call));
    }
    const key = typeof resource === 'object' ? contextKey(resource) : null;
    if (key) {
      call.context =
        made.get(`${key.type}/${key.id}`) ?? (await findContext(room.query, askedBy(call, type, 'c'), key));
    }
    const owner = (typeof resource === 'object' && ownerOrNone(type, resource)) || call.context?.patientId;
    const id = newResourceId(owner ?? (await room.organisationIds.resolve(call.organisation)));
    call.newId = id;
    made.set(`${type}/${id}`, { patientId: owner ?? null, label: labelOrNone(resource) });
    if (fullUrl) ids.set(fullUrl, `${type}/${id}`);
  }
}

/** What is wrong with an entry is said when its turn comes. */
function ownerOrNone(type: string, resource: JsonObject): string | null {
  try {
    return ownerOf(type, resource);
  } catch {
    return null;
  }
}

function labelOrNone(resource: JsonObject): number {
  try {
    return ownLabel(resource) ?? GENERAL_HEALTH;
  } catch {
    return GENERAL_HEALTH;
  }
}

function targetOrNone(room: Room, call: Call) {
  try {
    return targetOf(call, room.definitions);
  } catch {
    return { type: '', interaction: undefined };
  }
}
