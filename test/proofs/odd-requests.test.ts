import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rowBuilder } from '../../src/fhir/store/row.ts';
import { type Service, startService } from '../isolation/service.ts';
import { makers, observationOf } from '../support/world.ts';

/*
 * Requests that honest clients do not send, over a real socket, from a system that one organisation gave access. What
 * is looked for is always the other organisation's: whatever trick, none of it is in an answer.
 */

type Made = Awaited<ReturnType<typeof makeWorld>>;

let service: Service;
let world: Made;
before(async () => {
  service = await startService();
  world = await makeWorld();
});
after(() => service.stop());

async function makeWorld() {
  const make = makers(service.owner, rowBuilder(service.definitions));
  const [here, there] = [await make.organisation(), await make.organisation()];
  const [ours, theirs] = [await make.patient(here), await make.patient(there)];
  const own = await make.observation(here, ours);
  const hidden = await make.observation(there, theirs);
  const { token, system } = await make.access(here);
  const bound = await make.token(system, { organisation: here });
  const { token: other } = await make.access(there);
  return { make, here, there, ours, theirs, own, hidden, token, bound, other };
}

const base = (organisation: { id: string }) => `/organisations/${organisation.id}/fhir/R4`;
const bearer = (token: string) => ['authorization', `Bearer ${token}`];

async function ask(
  path: string,
  { method = 'GET', headers = bearer(world.token), body = undefined as string | undefined } = {},
) {
  const { statusCode, body: text } = await service.sendRaw({ method, path, headers, body });
  const parsed = text ? JSON.parse(text) : undefined;
  return {
    status: statusCode,
    text,
    json: parsed,
    code: parsed?.issue?.[0]?.details?.coding?.[0]?.code as string | undefined,
  };
}

/** Not a word of the other organisation's. */
function assertNothingLearned({ status, text }: { status: number; text: string }, how: string) {
  assert.ok(status < 500, `${how} ${status} ${text}`);
  for (const secret of [world.there.id, world.theirs.id]) assert.ok(!text.includes(secret), `${how} ${text}`);
}

test('odd spellings of an address reach nothing but what the plain one does', async () => {
  const { here, there, hidden, own } = world;
  const id = hidden.id;
  const paths = [
    `${base(here)}/../../../organisations/${there.id}/fhir/R4/Observation/${id}`,
    `${base(here)}/Observation/../Observation/${id}`,
    `${base(here)}/%2e%2e/%2e%2e/Observation/${id}`,
    `${base(here)}//Observation//${id}`,
    `${base(here)}/Observation/${encodeURIComponent(id).replaceAll('-', '%2D')}`,
    `${base(here)}/Observation/${id.toUpperCase()}`,
    `${base(here)}/Observation/${id}%00`,
    `${base(here)}/Observation/${id};${own.id}`,
    `${base(here)}/Observation/${own.id}/../${id}`,
    `${base(here)}/Observation/${own.id}%2F..%2F${id}`,
    `${base(here)}/Observation/'%20or%20''='`,
    `${base(here)}/Observation/${id}/_history/1`,
    `${base(here)}/Observation/${id}/_history/99999999999`,
    `${base(here)}/%4fbservation/${id}`,
    `/organisations/${here.id}/%66hir/R4/Observation/${id}`,
    `/%6frganisations/${there.id}/fhir/R4/Observation/${id}`,
    `/organisations/${here.id}%2F..%2F${there.id}/fhir/R4/Observation/${id}`,
    `http://records.example${base(there)}/Observation/${id}`,
    `${base(here)}/Observation?_id=${id}&_total=accurate`,
    `${base(here)}/Observation?_id=${own.id}%00,${id}`,
    `${base(here)}/Observation?_count=99999999999999999999&_id=${id}`,
    `${base(here)}/Observation?_count=-1`,
    `${base(here)}/Observation?_count=1e9`,
    `${base(here)}/Observation?patient=${world.theirs.id}&_total=accurate`,
    `${base(here)}/Observation?subject=${encodeURIComponent(`https://records.example${base(there)}/Patient/${world.theirs.id}`)}`,
    `${base(here)}/Observation?_security=http://fhir.patientsknowbest.com/codesystem/source-organization%7C${'0'.repeat(8)}`,
    `${base(here)}/Observation?code:not=x&_total=accurate`,
    `${base(here)}/Patient?identifier:missing=true&_total=accurate`,
    `${base(here)}/Patient?_id=${world.theirs.id},${world.ours.id}`,
    `${base(here)}/Observation?__proto__=1`,
    `${base(here)}/Observation?constructor=1`,
    `${base(here)}/__proto__`,
    `${base(here)}/constructor/${id}`,
    `${base(here)}/Observation?%ff=%ff&%=`,
    `${base(here)}/Observation?_cursor=${'A'.repeat(400)}`,
  ];
  for (const path of paths) {
    const answer = await ask(path);
    // What was sent may be sent back in a link; nothing else.
    const text = answer.text.replaceAll(encodeURIComponent(path.split('?')[1] ?? '\0'), '');
    if (answer.status === 200)
      assert.ok(
        (answer.json.entry ?? []).every((one: { resource: { id: string } }) => one.resource.id !== id),
        path,
      );
    else assertNothingLearned({ ...answer, text }, path);
    if (answer.json?.total !== undefined) assert.ok(answer.json.total <= 1, `${path} ${answer.text}`);
    assert.ok(answer.status < 500, `${path} ${answer.text}`);
  }
});

test('a header sent twice, or against the address, opens nothing', async () => {
  const { here, there, hidden, token, bound } = world;
  const own = `Observation/${world.own.id}`;
  const named = (...names: string[]) => names.flatMap((name) => ['X-Org-Public-Id', name]);
  const cases: [string, string[], number[]][] = [
    [`/fhir/R4/${own}`, [...bearer(token), ...named(here.id)], [200]],
    [`/fhir/R4/${own}`, [...bearer(token), ...named(here.odsCode.toLowerCase())], [200]],
    [`/fhir/R4/Observation/${hidden.id}`, [...bearer(token), ...named(here.id, there.id)], [403]],
    [`/fhir/R4/${own}`, [...bearer(token), ...named(here.id, here.id)], [403]],
    [`/fhir/R4/${own}`, [...bearer(token), ...named(`${here.id},${there.id}`)], [403]],
    [`/fhir/R4/${own}`, [...bearer(token), ...named('')], [400, 403]],
    [`/fhir/R4/Observation/${hidden.id}`, [...bearer(token), ...named(there.id)], [403]],
    [`/fhir/R4/Observation/${hidden.id}`, [...bearer(bound), ...named(there.id)], [403]],
    // The address is what counts.
    [`${base(here)}/Observation/${hidden.id}`, [...bearer(token), ...named(there.id)], [404]],
    [`${base(there)}/${own}`, [...bearer(token), ...named(here.id)], [403]],
    [`${base(here)}/${own}`, [...bearer('x'), ...bearer(token)], [401]],
    [`${base(here)}/${own}`, ['authorization', `Bearer ${token}, Bearer ${token}`], [401]],
    [`${base(here)}/${own}`, ['authorization', `Basic ${token}`], [401]],
    [`${base(here)}/${own}`, ['authorization', token], [401]],
    [`${base(here)}/${own}`, ['cookie', `token=${token}; access_token=${token}`], [401]],
    [`${base(here)}/${own}?access_token=${token}`, [], [401]],
  ];
  for (const [path, headers, statuses] of cases) {
    const answer = await ask(path, { headers });
    assert.ok(
      statuses.includes(answer.status),
      `${path} ${headers.slice(2)} ${answer.status} ${answer.text}`,
    );
    if (answer.status !== 200) assertNothingLearned(answer, path);
  }
});

test('no header turns one method into another', async () => {
  const { here, own, token } = world;
  for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
    const headers = [...bearer(token), name, 'DELETE'];
    assert.equal((await ask(`${base(here)}/Observation/${own.id}`, { headers })).status, 200);
    const posted = await ask(`${base(here)}/Observation/${own.id}?_method=DELETE`, {
      method: 'POST',
      headers,
    });
    assert.equal(posted.status, 405, posted.text);
  }
  assert.equal((await ask(`${base(here)}/Observation/${own.id}`)).status, 200);
});

test('methods that FHIR has no use for are refused', async () => {
  const { here, own } = world;
  for (const method of [
    'PATCH',
    'OPTIONS',
    'TRACE',
    'QUERY',
    'PROPFIND',
    'LOCK',
    'PURGE',
    'SEARCH',
    'LINK',
    'COPY',
  ]) {
    const answer = await ask(`${base(here)}/Observation/${own.id}`, { method });
    assert.ok([400, 404, 405].includes(answer.status), `${method} ${answer.status} ${answer.text}`);
    assertNothingLearned(answer, method);
  }
});

test('a link to the next page is worth nothing to others', async () => {
  const { make, here, there, ours, token, other } = world;
  await make.observation(here, ours);
  const first = await ask(`${base(here)}/Observation?_count=1`);
  const next: string = first.json.link.find(({ relation }: { relation: string }) => relation === 'next').url;
  const cursor = new URL(next).search;
  const [own, anothers] = [
    await ask(`${base(here)}/Observation${cursor}`),
    await ask(`${base(there)}/Observation${cursor}`, { headers: bearer(other) }),
  ];
  assert.equal(own.status, 200);
  assert.equal(anothers.code, 'cursor-invalid');
  for (const path of [
    `/Condition${cursor}`,
    `/Observation${cursor}&patient=${ours.id}`,
    `/Observation${cursor.slice(0, -2)}`,
    `/Observation${cursor}${cursor.replace('?', '&')}`,
  ]) {
    assert.equal((await ask(base(here) + path, { headers: bearer(token) })).code, 'cursor-invalid', path);
  }
  // A system with less sees less on the page that another was shown the way to.
  const { token: narrow } = await make.access(here, { scopes: ['system/Patient.rs'] });
  assert.equal(
    (await ask(`${base(here)}/Observation${cursor}`, { headers: bearer(narrow) })).code,
    'scope-insufficient',
  );
});

test('bodies that mean two things mean the one that is stored and shown, or are refused', async () => {
  const { here, theirs, ours } = world;
  const good = JSON.stringify(observationOf(ours));
  const about = (id: string) => `"subject":{"reference":"Patient/${id}"}`;
  const headers = [...bearer(world.token), 'content-type', 'application/fhir+json'];
  const post = (body: string) => ask(`${base(here)}/Observation`, { method: 'POST', headers, body });
  const twice = good.replace('{', `{${about(theirs.id)},`);
  const last = await post(twice);
  assert.equal(last.status, 201);
  assert.ok(!last.text.includes(theirs.id) && last.text.includes(`Patient/${ours.id}`));
  const refused = {
    'the hidden patient last': good.replace(/\}$/, `,${about(theirs.id)}}`),
    'a prototype': good.replace('{', '{"__proto__":{"subject":{"reference":"Patient/x"}},'),
    'a constructor': good.replace('{', '{"constructor":{"prototype":{"admin":true}},'),
    'a nested prototype': good.replace('"code":{', '"code":{"__proto__":{"text":"x"},'),
    'a null byte': good.replace('beats/min', 'beats\\u0000min'),
    'half a character': good.replace('beats/min', 'beats\\ud800min'),
    'the marks of the store': good.replace('beats/min', '\\u0001\\u0002\\u0003'),
    'an array': `[${good}]`,
    'a text after it': `${good}{}`,
    nothing: '',
    'another type': good.replace('"Observation"', '"Patient"'),
    'a patient by an odd path': good.replace(`Patient/${ours.id}`, `Patient/${ours.id}/../${theirs.id}`),
    'a patient by another base': good.replace(
      `Patient/${ours.id}`,
      `https://records.example${base(world.there)}/Patient/${theirs.id}`,
    ),
  };
  const before = await rows();
  for (const [what, body] of Object.entries(refused)) {
    const answer = await post(body);
    assert.ok(answer.status >= 400 && answer.status < 500, `${what} ${answer.status} ${answer.text}`);
    assertNothingLearned(answer, what);
  }
  assert.equal(await rows(), before);
});

test('the labels and the source that a sender makes up are not believed', async () => {
  const { here, there, ours } = world;
  const security = [
    { system: 'http://fhir.patientsknowbest.com/codesystem/source-organization', code: there.id },
    { system: 'http://fhir.patientsknowbest.com/codesystem/privacy-label', code: 'SOCIAL_CARE' },
  ];
  const meta = { versionId: '99', lastUpdated: '1999-01-01T00:00:00Z', security };
  const headers = [...bearer(world.token), 'content-type', 'application/fhir+json'];
  const body = JSON.stringify({ ...observationOf(ours), id: world.hidden.id, meta });
  const { status, json, text } = await ask(`${base(here)}/Observation`, { method: 'POST', headers, body });
  assert.equal(status, 201);
  assert.ok(!text.includes(there.id) && json.id !== world.hidden.id);
  assert.equal(json.meta.versionId, '1');
  assert.deepEqual(
    json.meta.security.map(({ code }: { code: string }) => code),
    ['SOCIAL_CARE', here.id],
  );
});

test('what is hidden and what is not there are refused alike, in all that an answer has', async () => {
  const { here, hidden, theirs } = world;
  const never = { id: world.hidden.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')) };
  const addresses = (id: string): [string, string][] => [
    ['GET', `Observation/${id}`],
    ['HEAD', `Observation/${id}`],
    ['GET', `Observation/${id}/_history`],
    ['GET', `Observation/${id}/_history/1`],
    ['DELETE', `Observation/${id}`],
  ];
  const headers = { authorization: `Bearer ${world.token}`, 'if-none-match': 'W/"1"', 'if-match': 'W/"1"' };
  const answerTo = async ([method, path]: [string, string]) => {
    const {
      statusCode,
      body,
      headers: answered,
    } = await service.send({ method: method as 'GET', url: `${base(here)}/${path}`, headers });
    const { date: _date, 'x-request-id': _id, ...others } = answered;
    return { statusCode, others, body: body.replace(/Reference [0-9a-f-]{36}/, '') };
  };
  const there = addresses(hidden.id);
  for (const [index, address] of addresses(never.id).entries()) {
    assert.deepEqual(await answerTo(there[index]!), await answerTo(address), address.join(' '));
  }
  const put = async (id: string) => {
    const payload = JSON.stringify({ ...observationOf(theirs), id });
    const { statusCode, body } = await service.send({
      method: 'PUT',
      url: `${base(here)}/Observation/${id}`,
      headers: { ...headers, 'content-type': 'application/fhir+json' },
      payload,
    });
    return { statusCode, body: body.replace(/Reference [0-9a-f-]{36}/, '') };
  };
  assert.deepEqual(await put(hidden.id), await put(never.id));
});

test('each of these requests has its record', async () => {
  assert.equal(await service.auditRecords(), service.sent());
});

async function rows(): Promise<number> {
  return (await service.owner.query('select count(*)::integer as n from resource')).rows[0].n;
}
