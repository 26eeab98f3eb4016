import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { getDataType } from '@medplum/core';
import fc from 'fast-check';
import { createWorld, testDefinitions, type World } from '../../../test/support/world.ts';
import { Refusal } from '../http/refusal.ts';
import { DATE_PREFIXES, periodMatches } from '../search-index/date-query.ts';
import { mainDateParameter } from '../search-index/main-date.ts';
import { type Condition, conditionText } from './conditions.ts';
import { createCursors } from './cursor.ts';
import { numberQuery } from './number-query.ts';
import { parseSearch, SEVERAL_MAIN_DATES } from './parse-search.ts';

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

const options = async () => ({
  definitions: await testDefinitions(),
  lenient: false,
  bases: [],
  now: new Date(),
});

/** Whether a row with these columns satisfies a condition, as the database sees it. */
async function satisfies(
  condition: Condition,
  row: { dates?: string; sortFrom?: string; sortTo?: string; numbers?: string },
) {
  const values: unknown[] = [];
  const place = (value: unknown, type: string) => `$${values.push(value)}::${type}`;
  const columns = [
    `${place(row.dates ?? null, 'jsonb')} as dates`,
    `${place(row.numbers ?? null, 'jsonb')} as numbers`,
    `${place(row.sortFrom ?? '-infinity', 'timestamptz')} as sort_from`,
    `${place(row.sortTo ?? '-infinity', 'timestamptz')} as sort_to`,
    `null::text[] as tokens`,
  ];
  const sql = `select ${conditionText(condition, place)} as yes from (select ${columns.join(', ')}) r`;
  return (await world.db.database.owner.query(sql, values)).rows[0].yes as boolean | null;
}

const instants = fc
  .integer({ min: 0, max: 12 })
  .map((day) => new Date(Date.UTC(2020, 0, 1 + day)).toISOString());
const periods = fc
  .tuple(instants, instants)
  .filter(([from, to]) => from < to)
  .map(([from, to]): [string, string] => [from, to]);

test('dates in SQL mean what the rule in plain values means, in their columns and beside them', async () => {
  await fc.assert(
    fc.asyncProperty(
      periods,
      periods,
      fc.constantFrom(...DATE_PREFIXES),
      async (stored, [from, to], prefix) => {
        const anyOf = [{ prefix, from, to }];
        const expected = periodMatches(stored, anyOf[0]!);
        const dates = JSON.stringify({ date: [stored] });
        assert.equal(await satisfies({ kind: 'dates', code: 'date', anyOf }, { dates }), expected);
        const [sortFrom, sortTo] = stored;
        assert.equal(await satisfies({ kind: 'main-date', anyOf }, { sortFrom, sortTo }), expected);
      },
    ),
    { numRuns: 300 },
  );
});

test('what has no date satisfies no condition on it', async () => {
  for (const prefix of DATE_PREFIXES) {
    const anyOf = [{ prefix, from: '2020-01-01T00:00:00.000Z', to: '2020-01-02T00:00:00.000Z' }];
    assert.notEqual(await satisfies({ kind: 'dates', code: 'date', anyOf }, {}), true, prefix);
    assert.notEqual(await satisfies({ kind: 'main-date', anyOf }, {}), true, prefix);
  }
});

test('the main date of every type is one period at most, so that its columns hold all of it', async () => {
  const definitions = await testDefinitions();
  for (const type of definitions.resourceTypes) {
    const main = mainDateParameter(definitions, type);
    if (!main || SEVERAL_MAIN_DATES.has(type)) continue;
    definitions.load(type);
    for (const { steps } of definitions.searchParameter(type, main)!.paths) {
      let elements = getDataType(type).elements;
      for (const [step, key = ''] of steps) {
        assert.equal(step, 'get', type);
        const choice = Object.keys(elements).find(
          (name) => name.endsWith('[x]') && String(key).startsWith(name.slice(0, -3)),
        );
        const element = elements[key] ?? elements[choice ?? ''];
        assert.equal(element?.max, 1, `${type}.${key}`);
        const inner = element?.type[0]?.code;
        if (steps.length > 1 && inner?.startsWith(type)) elements = getDataType(inner).elements;
      }
    }
  }
});

test('a number covers what its precision leaves open', () => {
  const cases = {
    '5.4': ['5.35', '5.45'],
    '100': ['99.5', '100.5'],
    '5.40': ['5.395', '5.405'],
    '1e2': ['50', '150'],
    '-0.5': ['-0.55', '-0.45'],
  };
  for (const [raw, [from, to]] of Object.entries(cases)) {
    const parsed = numberQuery(raw);
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.value.from, parsed.value.to], [from, to], raw);
  }
  for (const bad of ['', 'x', '5.4.1', '>5', 'ge', '1e999', 'NaN', 'Infinity', '0x10'])
    assert.equal(numberQuery(bad).ok, false, bad);
});

test('numbers in SQL mean what they mean in plain values', async () => {
  const prefixes = ['gt', 'lt', 'ge', 'le', 'sa', 'eb'] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -20, max: 20 }),
      fc.integer({ min: -20, max: 20 }),
      fc.constantFrom(...prefixes),
      async (stored, sought, prefix) => {
        const parsed = numberQuery(`${prefix}${sought}`);
        assert.ok(parsed.ok);
        const anyOf = [{ number: parsed.value, unit: null }];
        const expected = {
          gt: stored > sought,
          sa: stored > sought,
          lt: stored < sought,
          eb: stored < sought,
          ge: stored >= sought,
          le: stored <= sought,
        }[prefix];
        assert.equal(
          await satisfies(
            { kind: 'numbers', code: 'x', anyOf },
            { numbers: JSON.stringify({ x: [stored] }) },
          ),
          expected,
        );
      },
    ),
    { numRuns: 100 },
  );
});

test('a cursor opens to what was sealed, and only where it was', () => {
  const cursors = createCursors(randomBytes(32));
  const cursor = { parameters: [['family', 'Smith']] as [string, string][], after: ['2020', 'x'] };
  const sealed = cursors.seal(cursor, 'Patient\nhere');
  assert.deepEqual(cursors.open(sealed, 'Patient\nhere'), cursor);
  assert.ok(!sealed.includes('Smith') && !Buffer.from(sealed, 'base64url').includes('Smith'));
  const refused = (error: unknown) => error instanceof Refusal && error.code === 'cursor-invalid';
  assert.throws(() => cursors.open(sealed, 'Patient\nthere'), refused);
  assert.throws(() => createCursors(randomBytes(32)).open(sealed, 'Patient\nhere'), refused);
  fc.assert(
    fc.property(fc.nat({ max: sealed.length - 1 }), fc.constantFrom(...'AZaz09-_'), (at, sign) => {
      const changed = sealed.slice(0, at) + sign + sealed.slice(at + 1);
      const same = Buffer.from(changed, 'base64url').equals(Buffer.from(sealed, 'base64url'));
      if (!same) assert.throws(() => cursors.open(changed, 'Patient\nhere'), refused);
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) =>
      assert.throws(() => cursors.open(text, 'x'), refused),
    ),
  );
});

test('whatever is asked, it is a search or a refusal, and no value reaches the statement’s text', async () => {
  const given = await options();
  const names = [
    'code',
    'patient',
    'subject',
    'date',
    'value-quantity',
    '_id',
    '_count',
    '_sort',
    '_lastUpdated',
    '_security',
    'identifier',
    '_x',
    'a.b',
    'code:not',
    'subject:Patient',
    '__proto__',
    'constructor',
  ];
  const parameter = fc.tuple(fc.constantFrom(...names), fc.string({ unit: 'binary', maxLength: 30 }));
  await fc.assert(
    fc.asyncProperty(fc.array(parameter, { maxLength: 4 }), async (parameters) => {
      let search: ReturnType<typeof parseSearch>;
      try {
        search = parseSearch('Observation', parameters, given);
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error));
        return;
      }
      const placed: unknown[] = [];
      const texts = search.conditions.map((condition) =>
        conditionText(condition, (value, type) => `$${placed.push(value)}::${type}`),
      );
      for (const text of texts) assert.match(text, /^[\w\s$:.[\]()&<>=|+,'"@%*-]*$/);
      for (const [, value] of parameters) {
        if (value.length > 4) for (const text of texts) assert.ok(!text.includes(value));
      }
    }),
    { numRuns: 500 },
  );
});

test('patients are found through the index on people as they are without it', async () => {
  const organisation = await world.organisation();
  const { token } = await world.access(organisation);
  const families = ['Ærø', 'Li', 'Smith', 'Smithers', 'Smi', 'Ó Néill', '李小龍', '𐐀𐐁𐐂𐐃', 'van der Berg'];
  const made = await Promise.all(
    families.map(async (family, day) => {
      const birthDate = `1970-01-0${(day % 3) + 1}`;
      return {
        family,
        birthDate,
        id: (await world.patient(organisation, { name: [{ family, given: ['Ann'] }], birthDate })).id,
      };
    }),
  );
  const ask = async (query: string) => {
    const { status, json, text } = await world.fhir(
      organisation,
      token,
      `/Patient?${query}&_count=100&_total=accurate`,
    );
    assert.equal(status, 200, text);
    assert.equal(json.total, json.entry?.length ?? 0);
    return (json.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id).sort();
  };
  for (const { family, birthDate } of made) {
    for (let length = 1; length <= [...family].length; length++) {
      const beginning = encodeURIComponent([...family].slice(0, length).join(''));
      // A list of two is not looked up by the index.
      const expected = await ask(`family=${beginning},zzzzzz`);
      assert.ok(expected.length > 0, family);
      assert.deepEqual(await ask(`family=${beginning}`), expected, family);
      assert.deepEqual(await ask(`name=${beginning}&given=ann`), expected, family);
      assert.deepEqual(
        await ask(`family=${beginning}&birthdate=${birthDate}`),
        await ask(`family=${beginning},zzzzzz&birthdate=${birthDate},1800-01-01`),
      );
    }
  }
});
