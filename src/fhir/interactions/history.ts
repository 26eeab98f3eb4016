import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { Target } from '../http/target.ts';
import type { Room } from '../room.ts';
import { COUNT_DEFAULT, COUNT_MAX } from '../search/parse-search.ts';
import { readHistory } from '../store/read.ts';
import type { Found } from '../store/read-together.ts';
import { keyOf } from './read.ts';

/** The versions of one resource, newest first (R4 section 3.1.0.10). */
export async function history(room: Room, call: Call, { type, id }: Target): Promise<Outcome> {
  const asked = askedBy(call, type, 'r');
  const { count, before } = pageOf(call);
  const page = { before, limit: count + 1 };
  const rows = await readHistory(room.query, asked, keyOf(type, id), page);
  return afterDecision(rows, (first) => {
    if (first.version === null) return new Refusal('not-found');
    const versions = rows.slice(0, count) as Found[];
    const address = `${call.base}/${type}/${id}`;
    const self = new URLSearchParams(call.query).toString();
    const links = [{ relation: 'self', url: `${address}/_history${self ? `?${self}` : ''}` }];
    if (rows.length > count) {
      const next = `_count=${count}&_before=${versions.at(-1)!.version}`;
      links.push({ relation: 'next', url: `${address}/_history?${next}` });
    }
    const entries = versions.map((version) => entryText(version, type, id, address));
    const body = `{"resourceType":"Bundle","type":"history","link":${JSON.stringify(links)},"entry":[${entries.join(',')}]}`;
    const patients = first.patient_id ? [first.patient_id] : [];
    return { status: 200, body, resourceId: id, patients, count: versions.length };
  });
}

function pageOf(call: Call) {
  const page: { count: number; before: number | null } = { count: COUNT_DEFAULT, before: null };
  for (const [name, value] of new URLSearchParams(call.query)) {
    const number = /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined;
    if (name === '_format' || name === '_pretty') continue;
    if (name !== '_count' && name !== '_before') {
      throw new Refusal('search-unsupported', {
        text: 'A history takes _count, and the links that it gives.',
      });
    }
    if (number === undefined) throw new Refusal('search-malformed');
    if (name === '_count') page.count = Math.min(number, COUNT_MAX);
    else page.before = number;
  }
  return page;
}

/** A deletion has a request and no resource; the first version came by POST, the others by PUT. */
function entryText(
  { version, updated_at, content }: Found,
  type: string,
  id: string,
  address: string,
): string {
  const method = content === null ? 'DELETE' : version === 1 ? 'POST' : 'PUT';
  const request = JSON.stringify({ method, url: version === 1 ? type : `${type}/${id}` });
  const status = method === 'DELETE' ? '204' : method === 'POST' ? '201' : '200';
  const response = JSON.stringify({ status, etag: `W/"${version}"`, lastModified: updated_at.toISOString() });
  const resource = content === null ? '' : `"resource":${content},`;
  return `{"fullUrl":"${address}",${resource}"request":${request},"response":${response}}`;
}
