import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { definitions } from '../../../test/support/definitions.ts';
import { createWorld, labelBits, type World } from '../../../test/support/world.ts';
import { type Asked, type Query, queryOn } from '../store/query.ts';
import { parseSearch } from './parse-search.ts';
import { createSearchTogether } from './search-together.ts';
import { type PageAsked, type SearchRow, searchPage } from './statement.ts';

/*
 * Searches that share a statement must be answered as if each had been alone, whoever else asks at the same time.
 */

let world: World;
let questions: { asked: Asked; page: PageAsked }[];

before(async () => {
  world = await createWorld();
  const here = await world.organisation();
  const there = await world.organisation();
  const own = await world.patient(here);
  const shared = await world.patient(there);
  await world.register(shared, here, { shares: labelBits('GENERAL_HEALTH'), teams: [here.teamId] });
  const stranger = await world.patient(there);
  const patients = [own, shared, stranger];
  const ids: string[] = [];
  const identified = (value: string) => ({ identifier: [{ system: 'urn:device', value }] });
  for (const [index, patient] of patients.entries()) {
    const by = patient === own ? here : there;
    ids.push((await world.observation(by, patient)).id);
    ids.push((await world.observation(by, patient, { label: 'SEXUAL_HEALTH' })).id);
    await world.stored(by, { ...observed(patient), ...identified(`r${index}`) }, { patientId: patient.id });
    await world.stored(by, { ...observed(patient), ...identified('same') }, { patientId: patient.id });
  }
  await world.stored(here, { resourceType: 'Location', ...identified('same') });
  const searches: [type: string, parameters: [string, string][]][] = [
    ...patients.flatMap(({ id }): [string, [string, string][]][] => [
      ['Observation', [['patient', id]]],
      [
        'Observation',
        [
          ['patient', id],
          ['_count', '1'],
        ],
      ],
      [
        'Observation',
        [
          ['subject', `Patient/${id}`],
          ['date', 'ge2020-01-01'],
          ['status', 'final'],
        ],
      ],
      [
        'Observation',
        [
          ['patient', id],
          ['identifier', 'urn:device|same'],
        ],
      ],
      ['Patient', [['_id', id]]],
    ]),
    ...ids.map((id): [string, [string, string][]] => ['Observation', [['_id', id]]]),
    ['Observation', [['_id', ids.join(',')]]],
    ...['same', 'r0', 'r1', 'r2', 'none', 'r0,urn:device|r1'].map((value): [string, [string, string][]] => [
      'Observation',
      [['identifier', `urn:device|${value}`]],
    ]),
    ['Location', [['identifier', 'urn:device|same']]],
    [
      'Observation',
      [
        ['patient', own.id],
        ['_total', 'accurate'],
      ],
    ],
  ];
  const callers: [token: string, organisation: { id: string }][] = [
    [(await world.access(here)).token, here],
    [(await world.access(here, { labels: labelBits('GENERAL_HEALTH') })).token, here],
    [(await world.access(there)).token, there],
    [(await world.access(there)).token, here],
    ['nobody', here],
  ];
  const options = { definitions, lenient: false, bases: [], now: new Date() };
  questions = callers.flatMap(([token, { id }]) =>
    searches.map(([type, parameters]) => ({
      asked: [createHash('sha256').update(token).digest(), id, `{"${type}.s","*.s"}`] as Asked,
      page: { search: parseSearch(type, parameters, options), base: 'http://here', after: null },
    })),
  );
});
after(() => world.stop());

const observed = ({ id }: { id: string }) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'reading' },
  subject: { reference: `Patient/${id}` },
});

const shown = ({ place: _place, ...row }: SearchRow & { place?: number }) => row;

test('searches that come together are answered like each alone, whoever asks beside them', async () => {
  let statements = 0;
  const plain = queryOn(world.db.database.service);
  const query: Query = (name, text, values) => {
    statements += 1;
    return plain(name, text, values);
  };
  const searchOne = createSearchTogether(query);
  const all = Array.from({ length: 8 }, () => questions).flat();
  const mixed = all.map((_, index) => all[(index * 7919) % all.length]!);
  const together = await Promise.all(mixed.map(({ asked, page }) => searchOne(asked, page)));
  assert.ok(statements < mixed.length / 2, `${statements} statements for ${mixed.length} searches`);

  const alone = new Map<unknown, SearchRow>();
  for (const question of questions) {
    const [row] = await searchPage(plain, question.asked, question.page);
    alone.set(question, row!);
  }
  for (const [index, question] of mixed.entries()) {
    assert.deepEqual(
      shown(together[index]!),
      shown(alone.get(question)!),
      JSON.stringify(question.page.search),
    );
  }
  const seen = [...alone.values()];
  assert.ok(seen.some(({ more }) => more));
  assert.ok(seen.filter(({ matched }) => matched > 0).length > 20);
  assert.deepEqual(
    new Set(seen.map(({ outcome }) => outcome)),
    new Set(['allowed', 'token-invalid', 'connection-none']),
  );
});
