import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { healthNumbersIn } from '../../audit/audit.ts';
import { isUuid } from '../../ids.ts';
import type { Call } from './call.ts';
import { namedInBody } from './named-in-body.ts';
import { TURN_BYTES, takingTurns } from './taking-turns.ts';

const NUMBER = '9434765919';
const ID = '0198c7a2-5b1e-8000-8000-00000000000a';
const MB = 1024 * 1024;

const callOf = (more: object) =>
  ({ segments: ['Observation'], headers: {}, query: '', ...more }) as never as Call;

/** What a body names, and how often others had their turn meanwhile. */
async function readOf(body: string | Buffer) {
  let turns = 0;
  const turn = async () => void turns++;
  const named = await namedInBody(callOf({ body: Buffer.from(body) }), takingTurns(turn));
  return { ...named, turns };
}

const named = async (body: string) => {
  const { numbers, ids } = await readOf(body);
  return { numbers, ids };
};

/** The same, said in the shortest way, of a text without much white space. */
function plainly(body: string) {
  const text = body
    .replaceAll(/\\u00([2-7][0-9a-f])|\\\//gi, (_, code = '2f') =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
    .replaceAll(/\s+/g, ' ');
  const numbers = [...text.matchAll(/(?="value" ?: ?"([\d -]{10,14})")/g)].flatMap(([, one]) =>
    healthNumbersIn(one!),
  );
  const ids = [...text.matchAll(/(?="reference" ?: ?"(?:[^"]*\/)?Patient\/([0-9a-f-]{36})(?:["/]|$))/gi)]
    .map(([, one]) => one!.toLowerCase())
    .filter(isUuid);
  return { numbers: [...new Set(numbers)], ids: [...new Set(ids)] };
}

describe('whom a body names', () => {
  it('is what a plain reading of its text finds, however it is broken', async () => {
    const piece = fc.constantFrom(
      ...['"value"', '"reference"', '"', ':', ' ', '\n\t ', ',', '{', '\\', '\\/', '/', '\\u0022', '\\u002F'],
      ...[
        '\\u0020',
        '\\u005c',
        '\\u00',
        '\\u003',
        'v',
        'Patient/',
        'Patient',
        'value"',
        '"value":"',
        '"reference":"',
      ],
      ...[
        NUMBER,
        '943 476 5919',
        '9434765870',
        '9434765918',
        '943',
        ID,
        ID.toUpperCase(),
        '/_history/1',
        'é',
      ],
      ...[
        `"value":"${NUMBER}"`,
        `"reference":"Patient/${ID}"`,
        `"reference" : "https://a.example/Patient/${ID}"`,
      ],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 14 }), async (pieces) => {
        const body = pieces.join('');
        assert.deepEqual(await named(body), plainly(body));
      }),
      { numRuns: 2000 },
    );
  });

  it('is found whatever white space stands around it, and wherever it is cut into pieces of work', async () => {
    const wide = ' \n'.repeat(20_000);
    assert.deepEqual((await named(`"value"${wide}:${wide}"${NUMBER}"`)).numbers, [NUMBER]);
    assert.deepEqual((await named(`"reference"${wide}:${wide}"Patient/${ID}"`)).ids, [ID]);
    const short = `{"v\\u0061lue":"${NUMBER}","reference":"https:\\/\\/a.example\\/Patient\\/${ID}\\/_history\\/1"}`;
    for (let before = 0; before < short.length; before++) {
      const body = 'x'.repeat(TURN_BYTES - before) + short;
      assert.deepEqual(await named(body), { numbers: [NUMBER], ids: [ID] }, `${before}`);
    }
  });

  it('cannot be hidden behind megabytes of anything, nor behind the beginning of an address', async () => {
    const last = `"value":"${NUMBER}","reference":"${'a/'.repeat(50_000)}Patient/${ID}/_history/${'1'.repeat(64)}"`;
    for (const unit of [' ', 'x', '\\u0061', '"value":"9434765918",', '"reference":"Patient/1",', '{"a":']) {
      const { numbers, ids } = await readOf(
        unit.repeat(Math.floor(((unit === ' ' ? 20 : 3) * MB) / unit.length)) + last,
      );
      assert.deepEqual({ numbers, ids }, { numbers: [NUMBER], ids: [ID] }, unit);
    }
  });

  it('is looked for in steps between which others have their turn, and in as many more as it is longer', async () => {
    const hostile = [
      ...[
        '\\u0061',
        '\\',
        '\\/',
        ' ',
        '"',
        'Patient/',
        '"value"',
        '"value" : ',
        '"reference":"',
        '/"reference":"/',
      ],
      ...[`"value":"943 476 5919",`, `"value":"9434765918",`, `"reference":"Patient/${ID}",`],
    ];
    for (const unit of hostile) {
      const turnsOf = async (bytes: number) => (await readOf(unit.repeat(bytes / unit.length))).turns;
      const turns = await turnsOf(MB);
      const least = MB / TURN_BYTES;
      // Once to make it plain, and once for each of the two properties that are looked for.
      assert.ok(turns >= least - 1 && turns <= 3 * least, `${unit}: ${turns}`);
      assert.ok((await turnsOf(2 * MB)) <= 2 * turns + 3, unit);
    }
  });

  it('is no more than five thousand of each kind', async () => {
    const id = (n: number) => `0198c7a2-5b1e-8000-8000-${n.toString(16).padStart(12, '0')}`;
    const body = Array.from({ length: 6000 }, (_, n) => `"reference":"Patient/${id(n)}"`).join();
    assert.equal((await named(body)).ids.length, 5000);
    const numbers = Array.from({ length: 90_000 }, (_, n) => `"value":"${9_000_000_000 + n}"`).join();
    assert.equal((await named(numbers)).numbers.length, 5000);
  });

  it('of an entry of a Bundle is read from what was parsed already', async () => {
    const resource = { note: 'ĢvalueĢ"', subject: { reference: `Patient/${ID}` } };
    const parsed = { resource, printed: resource };
    assert.deepEqual((await namedInBody(callOf({ parsed }), takingTurns())).ids, [ID]);
    assert.deepEqual(await namedInBody(callOf({}), takingTurns()), { numbers: [], ids: [] });
  });
});

describe('turns', () => {
  it('are given to all that waits once so much was worked through, in however many pieces', async () => {
    const pace = takingTurns();
    assert.equal(pace(TURN_BYTES - 1), undefined);
    let others = false;
    setImmediate(() => {
      others = true;
    });
    await pace(1);
    assert.ok(others);
    assert.equal(pace(1), undefined);
  });

  it('is where the entries of a Bundle go to as well, and on which condition, however long the rest', async () => {
    const body = Buffer.from(
      `{"entry":[{"request":{"url":"Patient/${ID}"}},{"request":{"url" : "Patient?identifier=${NUMBER}"}},` +
        `{"request":{"ifNoneExist":"identifier=9434765870"}},{"x":"${'y'.repeat(300_000)}","url":"${'/'.repeat(MB)}`,
    );
    const bundle = await namedInBody(callOf({ segments: [], body }), takingTurns());
    assert.deepEqual(bundle, { numbers: [NUMBER, '9434765870'], ids: [ID] });
    assert.deepEqual(await namedInBody(callOf({ body }), takingTurns()), { numbers: [], ids: [] });
  });

  it('is the letter of a file too, in its body or its header', async () => {
    const body = Buffer.from(`{"securityContext":{"reference":"DocumentReference/${ID}"}}`);
    const fhir = { 'content-type': 'application/fhir+json' };
    const file = { segments: ['Binary'], headers: fhir, body };
    assert.deepEqual((await namedInBody(callOf(file), takingTurns())).ids, [ID]);
    assert.deepEqual((await namedInBody(callOf({ body }), takingTurns())).ids, []);
    const headers = {
      'content-type': 'application/pdf',
      'x-security-context': `DocumentReference/${ID}/_history/2`,
    };
    const native = { segments: ['Binary'], headers, body: Buffer.from(`"value":"${NUMBER}"`) };
    assert.deepEqual(await namedInBody(callOf(native), takingTurns()), { numbers: [], ids: [ID] });
  });
});
