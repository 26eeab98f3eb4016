import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bloodPressure, readingIdentifier } from '../../examples/send-observations/observation.ts';
import { readReadings } from '../../examples/send-observations/read-readings.ts';
import { type Sent, sendReadings } from '../../examples/send-observations/send-readings.ts';
import type { FhirClient } from '../../examples/shared/fhir-client.ts';
import { createProgress } from '../../examples/shared/progress.ts';
import { Refused } from '../../examples/shared/refused.ts';
import { validateResource } from '../../src/fhir/validation/validate-resource.ts';
import { definitions } from '../support/definitions.ts';

const [ADA, BEN] = ['9992718285', '9991259279'] as const;
const HEAD = 'taken_at,systolic,diastolic,monitor';
const WEEK = readFileSync(new URL('../../examples/send-observations/readings.csv', import.meta.url), 'utf8');

describe('the file of readings', () => {
  it('that comes with the program is a week of two readings, morning and evening', () => {
    const readings = readReadings(WEEK, ADA);
    assert.equal(readings.length, 28);
    assert.equal(new Set(readings.map(({ takenAt }) => takenAt.slice(0, 10))).size, 7);
  });

  it('may name its patients, and may come from a spreadsheet', () => {
    const csv = `\uFEFFNHS_Number,${HEAD}\r\n999 271 8285,2026-11-09T07:25:00Z,143,88,M1\r\n\r\n`;
    assert.deepEqual(readReadings(csv, undefined), [
      {
        line: 2,
        nhsNumber: ADA,
        takenAt: '2026-11-09T07:25:00Z',
        systolic: 143,
        diastolic: 88,
        monitor: 'M1',
      },
    ]);
  });

  for (const [what, line, says] of [
    ['a time without an offset', '2026-11-09T07:25:00,143,88,M1', /line 2: taken_at is/],
    ['a day that is none', '2026-02-31T07:25:00Zx,143,88,M1', /line 2: taken_at is/],
    ['the future', '2999-11-09T07:25:00Z,143,88,M1', /line 2: .* in the future/],
    ['a pressure out of the world', '2026-11-09T07:25:00Z,1430,88,M1', /line 2: 1430\/88 is not/],
    ['pressures the wrong way round', '2026-11-09T07:25:00Z,88,143,M1', /line 2: 88\/143 is not/],
    ['a fraction', '2026-11-09T07:25:00Z,143.5,88,M1', /is not a blood pressure/],
    ['an empty cell', '2026-11-09T07:25:00Z,,88,M1', /is not a blood pressure/],
    ['no monitor', '2026-11-09T07:25:00Z,143,88,', /line 2: monitor is empty/],
  ] as const) {
    it(`is refused whole for ${what}, naming the line`, () => {
      const csv = `${HEAD}\n${line}\n2026-11-09T08:00:00Z,143,88,M1\n`;
      assert.throws(() => readReadings(csv, ADA), { name: 'UsageError', message: says });
    });
  }

  it('is refused for an NHS number with a slip in it, without a patient, without a column and when empty', () => {
    assert.throws(() => readReadings(WEEK, '9992718286'), /not an NHS number/);
    assert.throws(() => readReadings(WEEK, undefined), /Say whose readings/);
    assert.throws(() => readReadings('taken_at,systolic\n', ADA), /no column diastolic, monitor/);
    assert.throws(() => readReadings(`${HEAD}\n`, ADA), /no readings/);
  });
});

describe('a reading', () => {
  const [reading] = readReadings(WEEK, ADA);

  it('is valid FHIR R4', () => {
    const sent = bloodPressure('183f0e92-59e5-852b-9d32-aa8a8f7e80da', reading!);
    assert.deepEqual(validateResource(definitions, sent, 'Observation'), []);
  });

  it('has one name for ever, whatever the offset it is written with, and another for another patient', () => {
    const named = (patient: string, takenAt = reading!.takenAt) =>
      readingIdentifier(patient, { ...reading!, takenAt }).value;
    assert.equal(named('a'), named('a', reading!.takenAt.replace('T07', 'T08').replace('+00', '+01')));
    assert.notEqual(named('a'), named('b'));
  });
});

/** A service that holds what was sent, and can be told to fail. */
function serviceWith(fail: () => Error | undefined = () => undefined) {
  const held = new Map<string, { sentTimes: number; systolic: number | undefined }>();
  const requests: string[] = [];
  const ask = (what: string) => {
    requests.push(what);
    const failure = fail();
    if (failure) throw failure;
  };
  const write =
    (how: 'put' | 'createOnce') =>
    async (resource: object, { value }: { value: string }) => {
      ask(how);
      const before = held.get(value);
      const systolic = (resource as { component: [{ valueQuantity: { value: number } }] }).component[0]
        .valueQuantity.value;
      if (!before || how === 'put') held.set(value, { sentTimes: (before?.sentTimes ?? 0) + 1, systolic });
      return before ? 'existed' : 'created';
    };
  const client = {
    async *search(type: string, parameters: { identifier?: string }) {
      ask(`search ${type}`);
      if (type === 'Patient') {
        const [, number] = parameters.identifier!.split('|');
        if (number === ADA || number === BEN) yield { resourceType: 'Patient', id: `id-of-${number}` };
      } else {
        for (const value of held.keys())
          yield { identifier: [{ system: readingIdentifier('', READINGS[0]!).system, value }] };
      }
    },
    put: write('put'),
    createOnce: write('createOnce'),
  } as unknown as FhirClient;
  return { client, held, requests };
}

const READINGS = [...readReadings(WEEK, ADA), ...readReadings(WEEK, BEN)];
const counted = ({ created, existed, refused, left }: Sent) => [created, existed, refused.length, left];

async function run(
  client: FhirClient,
  options: { correct?: boolean; stopAfter?: number; readings?: typeof READINGS } = {},
) {
  const stop = new AbortController();
  let done = 0;
  return sendReadings(client, options.readings ?? READINGS, {
    atOnce: 4,
    correct: options.correct ?? false,
    signal: stop.signal,
    onDone: () => {
      done += 1;
      if (done === options.stopAfter) stop.abort();
    },
  });
}

describe('sending', () => {
  it('sends each reading, and the second time none', async () => {
    const { client, held, requests } = serviceWith();
    assert.deepEqual(counted(await run(client)), [56, 0, 0, 0]);
    requests.length = 0;
    assert.deepEqual(counted(await run(client)), [0, 56, 0, 0]);
    assert.equal(held.size, 56);
    assert.ok(!requests.includes('createOnce'));
  });

  it('comes to one of each, however often it is stopped and whatever fails on the way', async () => {
    const breaks = fc.array(fc.record({ stopAfter: fc.nat(60), failAt: fc.nat(60) }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(breaks, async (runs) => {
        let countdown = Number.POSITIVE_INFINITY;
        const { client, held } = serviceWith(() => (countdown-- === 0 ? new Error('gone') : undefined));
        for (const { stopAfter, failAt } of runs) {
          countdown = failAt;
          const sent = await run(client, { stopAfter });
          assert.equal(sent.created + sent.existed + sent.refused.length + sent.left, READINGS.length);
        }
        countdown = Number.POSITIVE_INFINITY;
        const last = await run(client);
        assert.deepEqual([last.refused.length, last.left, last.failure], [0, 0, undefined]);
        assert.equal(held.size, READINGS.length);
        assert.ok([...held.values()].every(({ sentTimes }) => sentTimes === 1));
      }),
      { numRuns: 50 },
    );
  });

  it('replaces what is there when told to correct', async () => {
    const { client, held } = serviceWith();
    await run(client);
    const readings = READINGS.map((reading) => ({ ...reading, systolic: 199 }));
    assert.deepEqual(counted(await run(client, { correct: true, readings })), [0, 56, 0, 0]);
    assert.ok([...held.values()].every(({ systolic }) => systolic === 199));
  });

  it('goes on after a reading that is refused for itself, and names its line and reference', async () => {
    let writes = 0;
    const bad = new Refused({ status: 422, code: 'resource-invalid', text: 'Wrong', reference: 'r1' });
    const { client, requests } = serviceWith(() =>
      requests.at(-1) === 'createOnce' && writes++ === 3 ? bad : undefined,
    );
    const sent = await run(client);
    assert.deepEqual(counted(sent), [55, 0, 1, 0]);
    assert.match(sent.refused[0]!, /^line \d+: Wrong \(resource-invalid, reference r1\)$/);
  });

  it('stops at a refusal that all would meet, with numbers that are true', async () => {
    let asked = 0;
    const revoked = new Refused({
      status: 403,
      code: 'connection-revoked',
      text: 'Revoked',
      reference: 'r2',
    });
    const { client, held, requests } = serviceWith(() => (asked++ >= 12 ? revoked : undefined));
    const sent = await run(client);
    assert.equal(sent.failure, revoked);
    assert.equal(sent.created, held.size);
    assert.ok(requests.length <= 16, `${requests.length}`);
  });

  it('says for which lines there is no such patient', async () => {
    const { client } = serviceWith();
    const stranger = READINGS.map((reading) => ({ ...reading, nhsNumber: '9990000026' }));
    const sent = await run(client, { readings: stranger });
    assert.match(sent.refused[0]!, /^line 2: no patient with this NHS number/);
  });
});

describe('progress', () => {
  function steps(isTTY: boolean, everyMs: number) {
    let [at, written] = [0, ''];
    const stream = { isTTY, write: (text: string) => (written += text) };
    const progress = createProgress({ total: 4, things: 'readings', stream, now: () => at });
    for (let step = 0; step < 4; step++) {
      at += everyMs;
      progress.step();
    }
    progress.end();
    return written;
  }

  it('changes one line on a terminal', () => {
    assert.match(steps(true, 1), /^\r1 of 4 readings \(25 %\)\r2 of 4[\s\S]*\r4 of 4 readings \(100 %\)\n$/);
  });
  it('writes a line every few seconds into a log, and none for a short run', () => {
    assert.equal(steps(false, 3_000), '2 of 4 readings (50 %)\n4 of 4 readings (100 %)\n');
    assert.equal(steps(false, 1_000), '');
  });
});
