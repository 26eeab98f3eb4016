import { isUuid, routeOf } from '../../ids.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import type { JsonObject } from '../store/content.ts';
import { findContext } from '../store/find-context.ts';
import type { Key } from '../store/read-together.ts';
import type { Incoming } from './incoming.ts';

/** The resource whose access rules a Binary follows (R4 section 2.47.3), where that is ours and no patient. */
export function contextKey({ resourceType, securityContext }: JsonObject): Key | null {
  if (resourceType !== 'Binary') return null;
  const { reference } = (securityContext ?? {}) as JsonObject;
  const [, type = '', id = ''] = CONTEXT.exec(String(reference ?? '')) ?? [];
  return isUuid(id) && type !== 'Patient' ? { type, id, route: routeOf(id) } : null;
}

const CONTEXT = /^([A-Z][A-Za-z]+)\/([0-9a-f-]{36})(?:\/_history\/[^/]+)?$/;

/**
 * A Binary that follows the rules of a letter, say, belongs to the letter's patient, and is under its label unless it was
 * sent with one. Only what the organisation itself wrote is followed; else it is the organisation's own, as without.
 * @param existing the id of the Binary that is replaced: it stays whose it is
 */
export async function underContext(
  room: Room,
  call: Call,
  letter: 'c' | 'u',
  sent: Incoming,
  existing?: string,
): Promise<Incoming> {
  const key = contextKey(sent.resource);
  if (!key || sent.patientId !== null) return sent;
  const find = (one: Key) => findContext(room.query, askedBy(call, 'Binary', letter), one);
  const context = call.context ?? (await find(key));
  if (existing === undefined) {
    return { ...sent, patientId: context?.patientId ?? null, label: sent.label ?? context?.label };
  }
  const before = (await find({ type: 'Binary', id: existing, route: routeOf(existing) }))?.patientId ?? null;
  return { ...sent, patientId: before === null ? null : (context?.patientId ?? before) };
}
