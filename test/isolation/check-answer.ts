import assert from 'node:assert/strict';
import type { Expected, Shown } from './expected.ts';
import { markerOf, type Request, wireOf } from './request.ts';
import { BASE_URL, type Service } from './service.ts';

/** Sends a request and holds the answer against what the rules say; a write then stands in the model too. */
export async function checkAnswer(
  service: Service,
  request: Request,
  expected: Expected,
  refusals: Refusals,
) {
  const wire = wireOf(request);
  const response = await service.send(wire);
  const body = response.body ? JSON.parse(response.body) : undefined;
  const code = body?.issue?.[0]?.details?.coding?.[0]?.code as string | undefined;
  assert.deepEqual({ status: response.statusCode, code }, { status: expected.status, code: expected.code });
  assert.equal(response.headers['cache-control'], 'no-store');
  refusals.count(code ?? `${request.act.act} ${response.statusCode}`);
  if (code !== undefined) return refusals.check(code, response);
  if (expected.found) return checkPages(service, request, body, expected.found);
  if (expected.history) return checkHistory(body, expected.history);
  const { shown } = expected;
  if (shown) {
    const { id = body.id } = shown;
    assert.deepEqual(shownOf(body), { ...shown, id });
    assert.equal(response.headers.etag, `W/"${shown.version}"`);
    expected.happens?.(id);
  } else {
    assert.equal(response.body, '');
    expected.happens?.('');
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is looked into freely.
function shownOf(resource: any): Shown {
  const [label, source] = resource.meta.security.map(({ code }: { code: string }) => code);
  const version = Number(resource.meta.versionId);
  return { id: resource.id, version, label, source, marker: markerOf(resource) };
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is looked into freely.
function checkHistory(bundle: any, expected: Shown[]) {
  assert.equal(bundle.type, 'history');
  const versions = bundle.entry.map(
    (entry: { request: { method: string }; response: { etag: string }; resource?: object }) => [
      entry.response.etag,
      entry.resource ? shownOf(entry.resource) : entry.request.method,
    ],
  );
  const wanted = expected.map((one) => [`W/"${one.version}"`, one.marker === null ? 'DELETE' : one]);
  assert.deepEqual(versions, wanted);
}

/** Follows the links to the last page: all that is there, once, and the same number of them on each page. */
async function checkPages(
  service: Service,
  request: Request,
  // biome-ignore lint/suspicious/noExplicitAny: an answer is looked into freely.
  first: any,
  { all, total, countOnly, pageSize }: NonNullable<Expected['found']>,
) {
  const found: Shown[] = [];
  const times: string[] = [];
  for (let page = first; ; ) {
    assert.equal(page.resourceType, 'Bundle');
    assert.equal(page.total ?? null, total);
    const entries: { resource: { id: string; meta: { lastUpdated: string } }; fullUrl: string }[] =
      page.entry ?? [];
    found.push(...entries.map(({ resource }) => shownOf(resource)));
    times.push(...entries.map(({ resource }) => resource.meta.lastUpdated));
    for (const { fullUrl, resource } of entries)
      assert.ok(fullUrl.endsWith(`/${request.act.type}/${resource.id}`));
    const next = page.link.find(({ relation }: { relation: string }) => relation === 'next')?.url as
      | string
      | undefined;
    if (!countOnly)
      assert.equal(next !== undefined, found.length < all.length, 'a link to more, if there is more');
    if (next === undefined) break;
    assert.equal(entries.length, pageSize);
    const { headers } = wireOf({ ...request, act: { act: 'read', type: request.act.type, id: '' } });
    const response = await service.send({ method: 'GET', url: next.slice(BASE_URL.length), headers });
    assert.equal(response.statusCode, 200);
    page = JSON.parse(response.body);
  }
  const byId = (one: Shown, other: Shown) => (one.id! < other.id! ? -1 : 1);
  assert.deepEqual(found.toSorted(byId), all.toSorted(byId));
  const { act } = request;
  if (act.act === 'search' && act.page.sort) {
    const sorted = times.toSorted();
    assert.deepEqual(times, act.page.sort.startsWith('-') ? sorted.reverse() : sorted);
  }
}

export type Refusals = ReturnType<typeof createRefusals>;

/** Holds all refusals of a code against the first of them: whatever the reason, nothing else tells them apart. */
export function createRefusals() {
  const first = new Map<string, object>();
  const counts = new Map<string, number>();
  return {
    counts,
    count: (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1),
    check(code: string, { body, headers }: { body: string; headers: object }) {
      const named = Object.keys(headers).sort();
      const answer = { text: body.replace(/Reference [0-9a-f-]{36}/, ''), headers: named };
      assert.deepEqual(answer, first.get(code) ?? answer);
      first.set(code, answer);
    },
  };
}
