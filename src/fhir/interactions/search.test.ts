import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWorld, labelBits, observationOf, type World } from '../../../test/support/world.ts';

type Organisation = Awaited<ReturnType<World['organisation']>>;

let world: World;
let here: Organisation;
let there: Organisation;
let token: string;

before(async () => {
  world = await createWorld();
  here = await world.organisation();
  there = await world.organisation();
  ({ token } = await world.access(here));
});
after(() => world.stop());

const search = (
  path: string,
  { as = token, headers = {} }: { as?: string; headers?: Record<string, string> } = {},
) => world.fhir(here, as, path, { headers });
type Answer = Awaited<ReturnType<typeof search>>;
type Entry = { fullUrl: string; resource: { id: string; resourceType: string }; search: { mode: string } };
const idsOf = ({ json }: Answer): string[] =>
  ((json.entry ?? []) as Entry[])
    .filter(({ search }) => search.mode === 'match')
    .map(({ resource }) => resource.id);
const linkOf = ({ json }: Answer, relation: string): string | undefined =>
  json.link.find((link: { relation: string }) => link.relation === relation)?.url;
const after_ = (url: string) => url.slice(url.indexOf('/fhir/R4') + '/fhir/R4'.length);

/** Every page from a path on. */
async function pagesOf(path: string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const page: Answer = await search(next);
    assert.equal(page.status, 200, page.text);
    pages.push(idsOf(page));
    const link = linkOf(page, 'next');
    next = link && after_(link);
  }
  return pages;
}

test('a patient’s Observations are found by category, code and date, newest first', async () => {
  const patient = await world.patient(here);
  const other = await world.patient(here);
  const made = [];
  for (const year of [2020, 2022, 2021]) {
    made.push(await world.observation(here, patient, { date: `${year}-06-01`, code: '8480-6' }));
  }
  await world.observation(here, patient, { date: '2023-06-01', code: '8462-4' });
  await world.observation(here, other, { date: '2023-06-01', code: '8480-6' });
  const [y2020, y2022, y2021] = made.map(({ id }) => id);
  const about = `/Observation?patient=${patient.id}&category=vital-signs&code=http://loinc.org|8480-6`;
  assert.deepEqual(idsOf(await search(`${about}&_sort=-date`)), [y2022, y2021, y2020]);
  assert.deepEqual(idsOf(await search(`${about}&_sort=date`)), [y2020, y2021, y2022]);
  assert.deepEqual(idsOf(await search(`${about}&date=ge2021&_sort=date`)), [y2021, y2022]);
  assert.deepEqual(idsOf(await search(`${about}&date=gt2020&date=lt2022`)), [y2021]);
  assert.deepEqual(idsOf(await search(`${about}&date=2020,2022&_sort=date`)), [y2020, y2022]);
  for (const form of [
    `subject=Patient/${patient.id}`,
    `subject:Patient=${patient.id}`,
    `subject=${patient.id}`,
  ]) {
    assert.equal(idsOf(await search(`/Observation?${form}`)).length, 4, form);
  }
  assert.equal(idsOf(await search(`/Observation?patient=${patient.id},${other.id}`)).length, 5);
  assert.equal(idsOf(await search(`/Observation?patient=${patient.id}&patient=${other.id}`)).length, 0);
});

test('a Bundle says what was searched, and each entry is the resource as it is read', async () => {
  const patient = await world.patient(here);
  const { id, content } = await world.observation(here, patient);
  const path = `/Observation?patient=Patient/${patient.id}&_total=accurate`;
  const answer = await search(path);
  const base = `https://records.example/organisations/${here.id}/fhir/R4`;
  assert.deepEqual(answer.json, {
    resourceType: 'Bundle',
    type: 'searchset',
    total: 1,
    link: [{ relation: 'self', url: `${base}/Observation?patient=Patient%2F${patient.id}&_total=accurate` }],
    entry: [
      { fullUrl: `${base}/Observation/${id}`, resource: JSON.parse(content), search: { mode: 'match' } },
    ],
  });
});

test('an empty result is a Bundle without entries', async () => {
  const { status, json } = await search('/Observation?code=none&_total=accurate');
  assert.equal(status, 200);
  assert.equal(json.total, 0);
  assert.equal('entry' in json, false);
});

test('a search by POST finds the same, with parameters in both places', async () => {
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient);
  const answer = await world.fhir(here, token, `/Observation/_search?_count=5`, {
    method: 'POST',
    body: `patient=${patient.id}&code=8867-4`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(idsOf(answer), [id]);
  const json = await world.fhir(here, token, '/Observation/_search', { method: 'POST', body: {} });
  assert.equal(json.code, 'format-not-supported');
});

test('patients are found by identifier, name and date of birth', async () => {
  const patient = await world.patient(here, {
    name: [{ family: 'O’Brien-Łukasz', given: ['Siân', 'Mary'] }],
    birthDate: '1951-07-30',
    gender: 'female',
    identifier: [{ system: 'urn:hospital', value: 'H-1' }],
  });
  await world.patient(here, { name: [{ family: 'Other' }], birthDate: '1951-07-31' });
  const found = [
    'identifier=urn:hospital|H-1',
    'identifier=H-1',
    'identifier=H-1,H-2',
    'identifier=urn:hospital|&gender=female',
    'family=obrien',
    'family=OBRIEN%20lu',
    'family:exact=O’Brien-Łukasz',
    'family:contains=lukasz',
    'given=sian&family=o',
    'birthdate=1951-07-30',
    'birthdate=ge1951-07&birthdate=lt1951-07-31',
    `_id=${patient.id}`,
    `_id=${patient.id},none&gender:not=male`,
    'gender:missing=false&family=obrien',
  ];
  for (const query of found) assert.deepEqual(idsOf(await search(`/Patient?${query}`)), [patient.id], query);
  const nothing = [
    'identifier=urn:other|H-1',
    'identifier=|H-1',
    'family:exact=obrien',
    'given=bri',
    '_id=none',
    'family=obrien&gender:missing=true',
  ];
  for (const query of nothing) assert.deepEqual(idsOf(await search(`/Patient?${query}`)), [], query);
});

test('values of a quantity are compared to the precision given', async () => {
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient, { value: 5.4 });
  const about = `/Observation?patient=${patient.id}&value-quantity=`;
  for (const value of [
    '5.4',
    '5',
    'gt5',
    'le5.4',
    'ap5.2',
    '5.4|http://unitsofmeasure.org|/min',
    'ne6',
    '5.40',
  ]) {
    assert.deepEqual(idsOf(await search(about + encodeURIComponent(value))), [id], value);
  }
  for (const value of ['5.3', '5.41', 'gt5.4', 'lt5.4', '5.4|http://unitsofmeasure.org|kg', 'ne5.4']) {
    assert.deepEqual(idsOf(await search(about + encodeURIComponent(value))), [], value);
  }
});

test('what changed since a time is found by _lastUpdated', async () => {
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient);
  const [moment] = (await search(`/Observation/${id}`)).json.meta.lastUpdated.split('Z');
  const about = `/Observation?patient=${patient.id}&_lastUpdated=`;
  for (const value of [`ge${moment}Z`, `le${moment}Z`, moment + 'Z', 'gt2020', `sa2020`]) {
    assert.deepEqual(idsOf(await search(about + value)), [id], value);
  }
  for (const value of [`gt${moment}Z`, `lt${moment}Z`, 'lt2020', 'eb2020', `ne${moment}Z`]) {
    assert.deepEqual(idsOf(await search(about + value)), [], value);
  }
});

test('entries are found by privacy label and by source', async () => {
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient, { label: 'SOCIAL_CARE' });
  const general = await world.observation(here, patient);
  const label = 'http://fhir.patientsknowbest.com/codesystem/privacy-label';
  const source = 'http://fhir.patientsknowbest.com/codesystem/source-organization';
  const about = `/Observation?patient=${patient.id}&_security`;
  assert.deepEqual(idsOf(await search(`${about}=${label}|SOCIAL_CARE`)), [id]);
  assert.deepEqual(idsOf(await search(`${about}:not=${label}|SOCIAL_CARE`)), [general.id]);
  assert.equal(idsOf(await search(`${about}=${source}|${here.id}`)).length, 2);
  assert.deepEqual(idsOf(await search(`${about}=${source}|${there.id}`)), []);
});

test('every search stays in the purview: results, totals and counts', async () => {
  const patient = await world.patient(there, { identifier: [{ system: 'urn:shared', value: 'S' }] });
  await world.register(patient, here, { shares: labelBits('GENERAL_HEALTH'), teams: [here.teamId] });
  const stranger = await world.patient(there, { identifier: [{ system: 'urn:shared', value: 'S' }] });
  const seen = [
    (await world.observation(here, patient)).id,
    (await world.observation(here, patient, { label: 'MENTAL_HEALTH' })).id,
    (await world.observation(there, patient)).id,
  ];
  const hidden = [
    (await world.observation(there, patient, { label: 'MENTAL_HEALTH' })).id,
    (await world.observation(there, stranger)).id,
  ];
  const queries = [
    `patient=${patient.id},${stranger.id}`,
    `_id=${[...seen, ...hidden].join(',')}`,
    `subject=${patient.id},${stranger.id}&_sort=_lastUpdated`,
    `code=8867-4&subject:missing=false&_id=${[...seen, ...hidden].join(',')}`,
  ];
  for (const query of queries) {
    const answer = await search(`/Observation?${query}&_total=accurate`);
    assert.deepEqual(idsOf(answer).sort(), [...seen].sort(), query);
    assert.equal(answer.json.total, 3, query);
    assert.equal((await search(`/Observation?${query}&_summary=count`)).json.total, 3, query);
  }
  assert.deepEqual(idsOf(await search('/Patient?identifier=urn:shared|S')), [patient.id]);
  assert.equal((await search('/Patient?identifier=urn:shared|S&_summary=count')).json.total, 1);
  const { token: masked } = await world.access(here, { labels: labelBits('MENTAL_HEALTH') });
  assert.deepEqual(idsOf(await search(`/Observation?patient=${patient.id}`, { as: masked })), [seen[1]]);
  assert.deepEqual(idsOf(await search(`/Patient?_id=${patient.id}`, { as: masked })), []);
});

test('pages together are the whole, each row once, in every order', async () => {
  const organisation = await world.organisation();
  const { token: own } = await world.access(organisation);
  const patients = [
    await world.patient(organisation),
    await world.patient(organisation),
    await world.patient(organisation),
  ];
  const all: string[] = [];
  for (const [index, patient] of patients.entries()) {
    // Equal dates and none at all: the order must not depend on luck.
    for (const date of ['2020-01-01', '2020-01-01', '2021-01-01', undefined]) {
      const { effectiveDateTime: _date, ...resource } = observationOf(patient);
      const dated = date ? { ...resource, effectiveDateTime: date } : resource;
      const at = new Date(Date.UTC(2025, 0, 1 + (index % 2)));
      all.push((await world.stored(organisation, dated, { patientId: patient.id, at })).id);
    }
  }
  const { subject: _subject, ...nobodys } = observationOf(patients[0]!);
  for (let n = 0; n < 3; n++) all.push((await world.stored(organisation, nobodys)).id);
  const scoped = `patient=${patients.map(({ id }) => id).join(',')}&`;
  for (const order of [
    '',
    '_sort=date&',
    '_sort=-date&',
    '_sort=_lastUpdated&',
    '_sort=-_lastUpdated&',
    scoped,
  ]) {
    const expected = order === scoped ? all.slice(0, 12) : all;
    for (const count of [1, 4, 100]) {
      const found: string[] = [];
      let next: string | undefined = `/Observation?${order}_count=${count}`;
      while (next !== undefined) {
        const page: Answer = await world.fhir(organisation, own, next);
        assert.ok(idsOf(page).length <= count);
        found.push(...idsOf(page));
        const link = linkOf(page, 'next');
        next = link && after_(link);
      }
      assert.equal(new Set(found).size, found.length, `${order} by ${count}: a row came twice`);
      assert.deepEqual(found.sort(), [...expected].sort(), `${order} by ${count}`);
    }
  }
});

test('rows written between two pages neither repeat nor hide others', async () => {
  const patient = await world.patient(here);
  const before: string[] = [];
  for (const day of ['01', '03', '05']) {
    before.push((await world.observation(here, patient, { date: `2020-01-${day}` })).id);
  }
  const first = await search(`/Observation?patient=${patient.id}&_sort=-date&_count=1`);
  await world.observation(here, patient, { date: '2020-01-06' });
  const late = await world.observation(here, patient, { date: '2020-01-02' });
  const rest = (await pagesOf(after_(linkOf(first, 'next')!))).flat();
  assert.deepEqual([...idsOf(first), ...rest], [before[2], before[1], late.id, before[0]]);
});

test('a link to a page shows nothing, and cannot be changed or used elsewhere', async () => {
  const patient = await world.patient(here, { name: [{ family: 'Pagesecret' }] });
  await world.patient(here, { name: [{ family: 'Pagesecret' }] });
  const page = await search('/Patient?family=Pagesecret&_count=1');
  const next = after_(linkOf(page, 'next')!);
  assert.ok(!next.includes('secret') && !next.includes(patient.id));
  assert.equal((await search(next)).status, 200);
  const cursor = next.split('_cursor=')[1]!;
  const flipped = (cursor[20] === 'A' ? 'B' : 'A') + cursor.slice(21);
  const bad = [
    `/Patient?_cursor=${cursor.slice(0, 20)}${flipped}`,
    '/Patient?_cursor=x',
    `/Observation?_cursor=${cursor}`,
    `/Patient?_cursor=${cursor}&family=Other`,
    `/Patient?_cursor=${cursor}&_cursor=${cursor}`,
  ];
  for (const path of bad) assert.equal((await search(path)).code, 'cursor-invalid', path);
  const { token: theirs } = await world.access(there);
  assert.equal((await world.fhir(there, theirs, next)).code, 'cursor-invalid');
});

test('what ceases to be visible is not on the next page', async () => {
  const patient = await world.patient(there);
  await world.register(patient, here, { shares: 15, teams: [here.teamId] });
  for (const day of ['01', '02']) await world.observation(there, patient, { date: `2020-01-${day}` });
  const first = await search(`/Observation?patient=${patient.id}&_count=1`);
  await world.register(patient, here, { shares: 0, teams: [here.teamId] });
  const second = await search(after_(linkOf(first, 'next')!));
  assert.equal(second.status, 200);
  assert.deepEqual(idsOf(second), []);
});

test('an unknown parameter is refused with the list of known ones', async () => {
  const refused = await search('/Observation?colour=red&code=x');
  assert.equal(refused.status, 400);
  assert.equal(refused.code, 'search-unsupported');
  assert.match(refused.json.issue[0].diagnostics, /^Parameter colour:/);
  assert.match(refused.json.issue[1].diagnostics, /^Known for Observation: .*\bcode\b.*\bpatient\b/);
});

test('includes, chains, composites and unknown modifiers are refused, not ignored', async () => {
  const queries = [
    '_include=Observation:subject',
    '_revinclude=Provenance:target',
    '_has:Observation:patient:code=x',
    'patient.family=smith',
    'subject:Patient.family=smith',
    'code-value-quantity=a$b',
    'code:text=pressure',
    'code:in=http://x',
    'date:exact=2020',
    '_summary=true',
    '_elements=id',
    '_sort=code',
    '_sort=date,_lastUpdated',
    'code:not:missing=true',
  ];
  for (const query of queries) {
    assert.equal((await search(`/Observation?${query}`)).code, 'search-unsupported', query);
  }
});

test('a value that means nothing is refused without being repeated', async () => {
  const queries = [
    'date=yesterday',
    'date=xx2020',
    '_count=-1',
    '_count=many',
    'subject:missing=perhaps',
    'value-quantity=high',
    '_total=some',
    'patient=a b',
    'identifier=%00',
    'code=a%00',
    'subject:identifier=x|%00',
  ];
  for (const query of queries) {
    const refused = await search(`/Observation?${query}`);
    assert.equal(refused.code, 'search-malformed', query);
    assert.ok(!refused.text.includes('yesterday'));
  }
});

test('with handling=lenient what is not known is ignored, and that is said', async () => {
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient);
  const answer = await search(`/Observation?patient=${patient.id}&colour=red&_include=Observation:subject`, {
    headers: { prefer: 'handling=lenient' },
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(idsOf(answer), [id]);
  const last = answer.json.entry.at(-1);
  assert.equal(last.search.mode, 'outcome');
  assert.equal(last.resource.issue.length, 2);
  assert.ok(!linkOf(answer, 'self')!.includes('colour'));
  const malformed = await search('/Observation?date=yesterday', { headers: { prefer: 'handling=lenient' } });
  assert.equal(malformed.status, 400);
});

test('a page holds 20 unless told otherwise, and 200 at most', async () => {
  const patient = await world.patient(here);
  for (let n = 0; n < 21; n++) await world.observation(here, patient);
  assert.equal(idsOf(await search(`/Observation?patient=${patient.id}`)).length, 20);
  assert.equal(idsOf(await search(`/Observation?patient=${patient.id}&_count=5000`)).length, 21);
  const none = await search(`/Observation?patient=${patient.id}&_count=0`);
  assert.equal(none.json.total, 21);
  assert.equal('entry' in none.json, false);
});

test('signs that mean something to SQL, JSON or LIKE find what they say', async () => {
  const odd = `a"b'c\\d%e_f{g}`;
  const patient = await world.patient(here, {
    identifier: [{ system: 'urn:odd', value: odd }],
    name: [{ family: odd }],
  });
  const escaped = encodeURIComponent(odd.replace(/[\\,|$]/g, '\\$&'));
  assert.deepEqual(idsOf(await search(`/Patient?identifier=urn:odd|${escaped}`)), [patient.id]);
  assert.deepEqual(idsOf(await search(`/Patient?family:exact=${escaped}`)), [patient.id]);
  for (const value of ['%25', '_', "' or true --"]) {
    const answer = await search(`/Patient?family:contains=${encodeURIComponent(value)}`);
    assert.ok(answer.status === 400 || idsOf(answer).length === 0, value);
  }
});

test('every type can be searched, with the organisation’s own entries found', async () => {
  const { id } = await world.stored(here, { resourceType: 'Location', name: 'Ward Seven' });
  await world.stored(there, { resourceType: 'Location', name: 'Ward Seven' });
  assert.deepEqual(idsOf(await search('/Location?name=ward')), [id]);
  for (const type of world.definitions.resourceTypes) {
    // Not stored as resources are: a system's own, listed whole.
    if (type === 'Subscription') continue;
    const answer = await search(`/${type}?_count=1&_total=accurate&_sort=-_lastUpdated`);
    assert.equal(answer.status, 200, `${type}: ${answer.text.slice(0, 300)}`);
  }
});

test('a patient is asked for together with ids or identifiers, and no other patient’s answer', async () => {
  const [one, other] = [await world.patient(here), await world.patient(here)];
  const identifier = [{ system: 'urn:device', value: 'shared reading' }];
  const [ofOne, ofOther] = await Promise.all(
    [one, other].map(({ id }) =>
      world.stored(here, { ...observationOf({ id }), identifier }, { patientId: id }),
    ),
  );
  const both = `_id=${ofOne!.id},${ofOther!.id}`;
  const identified = 'identifier=urn:device|shared reading';
  for (const parameters of [both, identified, `${both}&${identified}`]) {
    for (const about of [`patient=${one.id}`, `subject=Patient/${one.id}`, `subject=${one.id}`]) {
      const answer = await search(`/Observation?${about}&${parameters}&_total=accurate`);
      assert.deepEqual(idsOf(answer), [ofOne!.id], `${about}&${parameters}`);
      assert.equal(answer.json.total, 1);
    }
  }
});
