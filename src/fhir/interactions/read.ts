import { isUuid, routeOf } from '../../ids.ts';
import { type Answer, afterDecision, type Outcome, versionHeaders } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { contentOf, wantsContent } from '../http/native-content.ts';
import { Refusal } from '../http/refusal.ts';
import type { Target } from '../http/target.ts';
import type { Room } from '../room.ts';
import { readCurrent, readVersion } from '../store/read.ts';
import type { Key } from '../store/read-together.ts';

/** Read (R4 section 3.1.0.2), conditional by If-None-Match and If-Modified-Since (section 3.1.0.5.1). */
export async function read(room: Room, call: Call, target: Target): Promise<Outcome> {
  const { type, id } = target;
  const rows = await readCurrent(room, askedBy(call, type, 'r'), keyOf(type, id));
  return afterDecision(rows, (row) => answerOf(call, target, row));
}

/** Vread (R4 section 3.1.0.3): one version, of what may be seen now. */
export async function vread({ readQuery }: Room, call: Call, target: Target): Promise<Outcome> {
  const { type, id, version } = target;
  const number = /^[1-9]\d{0,8}$/.test(version) ? Number(version) : 0;
  const rows = await readVersion(readQuery, askedBy(call, type, 'r'), keyOf(type, id), number);
  return afterDecision(rows, (row) => answerOf(call, target, row));
}

/** An id that is none of ours is looked for all the same, so that the decision comes first and nothing differs. */
export function keyOf(type: string, id: string): Key {
  const known = isUuid(id) ? id : '00000000-0000-0000-0000-000000000000';
  return { type, id: known, route: routeOf(known) };
}

type Row = {
  version: number | null;
  updated_at: Date | null;
  patient_id: string | null;
  content: string | null;
};

function answerOf(call: Call, { type, id, interaction }: Target, row: Row): Answer | Refusal {
  if (row.version === null || row.updated_at === null) return new Refusal('not-found');
  if (row.content === null) return new Refusal('gone');
  const headers = versionHeaders(row.version, row.updated_at);
  const about = { resourceId: id, patients: row.patient_id ? [row.patient_id] : [], count: 1 };
  if (isUnchanged(call, row.version, row.updated_at)) return { status: 304, body: null, headers, ...about };
  const answer = { status: 200, body: row.content, headers, ...about };
  return wantsContent(call, type, interaction) ? contentOf(answer, call) : answer;
}

function isUnchanged({ headers }: Call, version: number, updatedAt: Date): boolean {
  const tags = headers['if-none-match'];
  // RFC 9110 section 13.1.3: If-Modified-Since counts only without If-None-Match.
  if (tags !== undefined)
    return tags.split(',').some((tag) => tag.trim() === `W/"${version}"` || tag.trim() === '*');
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Math.floor(updatedAt.getTime() / 1000) * 1000 <= since;
}
