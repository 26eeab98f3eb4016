import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';
import { type RecordWorld, recordWorld } from '../../test/support/record-world.ts';

const NUMBER = '9990000042';
const birth = (day: string, month: string, year: string) => ({
  'birth-day': day,
  'birth-month': month,
  'birth-year': year,
});
const BORN = birth('3', '2', '1980');

describe('finding a patient without a launch', () => {
  let world: RecordWorld;
  let here: Awaited<ReturnType<RecordWorld['organisation']>>;
  before(async () => {
    world = await recordWorld();
    here = await world.organisation('Here Surgery');
    const patient = await world.patient(here, { name: [{ family: 'Morgan', given: ['Nia'] }] });
    await world.identified(patient, NUMBER);
  });
  after(() => world?.stop());
  beforeEach(() => {
    world.app.audit.length = 0;
  });

  async function clientOf(role: Parameters<RecordWorld['staff']>[1] = 'professional', at = here) {
    const person = await world.staff(at, role);
    const { cookie } = await world.app.session(person);
    const client = world.app.client();
    client.cookies.set('session', cookie);
    return client;
  }

  it('takes number and date of birth together, in the forms people type', async () => {
    const client = await clientOf();
    const form = await client.get('/patients');
    assert.deepEqual(await htmlProblems(form.body), []);
    const found = await client.post('/patients', { number: ' 999 000-0042', ...BORN });
    assert.equal(found.statusCode, 303);
    const page = await client.follow(found);
    assert.match(textOf(page.body), /MORGAN, Nia/);
    assert.deepEqual(
      world.app.audit.map(({ interaction, outcome }) => [interaction, outcome]),
      [
        ['find-patient', 'allowed'],
        ['record-read', 'allowed'],
      ],
    );
  });

  it('answers alike for a wrong date, a patient of another organisation and one who does not exist', async () => {
    const there = await world.organisation('There Trust');
    const elsewhere = await world.patient(there);
    await world.identified(elsewhere, '9990000093');
    const client = await clientOf();
    const pages: string[] = [];
    for (const [number, born] of [
      [NUMBER, birth('4', '2', '1980')],
      ['9990000093', BORN],
      ['9990000069', BORN],
    ] as const) {
      await client.get('/patients');
      const response = await client.post('/patients', { number, ...born });
      assert.equal(response.statusCode, 422);
      pages.push(response.body.replaceAll(/value="[^"]*"/g, ''));
    }
    assert.equal(new Set(pages).size, 1);
    const asked = world.app.audit.filter(({ interaction }) => interaction === 'find-patient');
    assert.deepEqual(
      asked.map(({ outcome, patients, named }) => [outcome, patients, named?.length]),
      [1, 2, 3].map(() => ['not-found', null, 1]),
      'each is kept by a hash, for the patient to see, whoever that is',
    );
  });

  it('says what is wrong with a number or date, and looks for nothing', async () => {
    const client = await clientOf();
    await client.get('/patients');
    for (const [number, born, said] of [
      ['', BORN, 'Enter the patient’s NHS number'],
      ['9990000043', BORN, 'Enter a valid NHS number'],
      [NUMBER, birth('30', '2', '1980'), 'Enter a real date of birth'],
      [NUMBER, birth('', '', ''), 'Enter a real date of birth'],
      [NUMBER, birth('-1', '2', '1980'), 'Enter a real date of birth'],
    ] as const) {
      const response = await client.post('/patients', { number, ...born });
      assert.equal(response.statusCode, 422);
      assert.match(textOf(response.body), new RegExp(said));
      assert.deepEqual(await htmlProblems(response.body), []);
    }
    assert.deepEqual(world.app.audit, []);
  });

  it('is not for administrators, whose business is not in records', async () => {
    const client = await clientOf('administrator');
    assert.equal((await client.get('/patients')).statusCode, 403);
  });

  it('stops a person who tries too often', async () => {
    const client = await clientOf();
    await client.get('/patients');
    let status = 0;
    for (let n = 0; n < 62 && status !== 429; n++) {
      status = (await client.post('/patients', { number: NUMBER, ...birth('1', '1', String(1900 + n)) }))
        .statusCode;
    }
    assert.equal(status, 429);
    assert.equal(world.app.audit.at(-1)?.outcome, 'too-many-attempts');
  });
});
