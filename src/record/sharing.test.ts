import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';
import { type RecordWorld, recordWorld } from '../../test/support/record-world.ts';
import { labelBits } from '../../test/support/world.ts';

const NOTHING = 'Nia Morgan shares nothing with Here Surgery';
const SECTIONS = ['summary', 'problems', 'medicines', 'results', 'letters', 'appointments'];

describe('the record of a patient who shares nothing with the organisation', () => {
  let world: RecordWorld;
  let here: Awaited<ReturnType<RecordWorld['organisation']>>;
  let there: typeof here;
  let person: Awaited<ReturnType<RecordWorld['staff']>>;
  before(async () => {
    world = await recordWorld();
    here = await world.organisation('Here Surgery');
    there = await world.organisation('There Trust');
    person = await world.staff(here, 'professional');
  });
  after(() => world?.stop());
  beforeEach(() => {
    world.app.audit.length = 0;
  });

  async function patientOfBoth(shares = 0) {
    const patient = await world.patient(there, { name: [{ family: 'Morgan', given: ['Nia'] }] });
    await world.register(patient, here, { shares });
    return patient;
  }
  async function open(patient: { id: string }, section = 'summary', breakGlass = false) {
    const { client, c } = await world.app.opened(person, patient.id, { breakGlass });
    const response = await client.get(`/record?section=${section}&c=${c}`);
    return { response, text: textOf(response.body), client, c };
  }

  it('is a page of its own when the organisation wrote nothing, whatever section was asked for', async () => {
    const patient = await patientOfBoth();
    for (const section of SECTIONS) {
      const { response, text } = await open(patient, section);
      assert.equal(response.statusCode, 200);
      assert.match(text, new RegExp(NOTHING));
      assert.match(text, /MORGAN, Nia Born 03-Feb-1980/);
      assert.doesNotMatch(text, /No problems|Emergency access|Sections of the record/);
      assert.deepEqual(await htmlProblems(response.body), []);
      assert.doesNotMatch(/<title>.*<\/title>/s.exec(response.body)![0], /Morgan/);
    }
    const { interaction, outcome, status, patients, count } = world.app.audit.at(-1)!;
    assert.deepEqual(
      { interaction, outcome, status, patients, count },
      { interaction: 'record-read', outcome: 'allowed', status: 200, patients: [patient.id], count: 0 },
    );
  });

  it('is the same page whether or not others hold anything', async () => {
    const [one, other] = [await patientOfBoth(), await patientOfBoth()];
    await world.problem(there, one, 'Hidden asthma');
    await world.problem(there, one, 'Hidden sadness', { label: 'MENTAL_HEALTH' });
    await world.observation(there, one);
    for (const breakGlass of [false, true]) {
      const pages = await Promise.all(
        [one, other].map(async (patient) => {
          const { response, c } = await open(patient, 'summary', breakGlass);
          return response.body.replaceAll(c, '').replace(/value="[\w-]{43}"/g, '');
        }),
      );
      assert.equal(pages[0], pages[1]);
    }
  });

  it('leads to emergency access where that is allowed, and then is the record', async () => {
    const patient = await patientOfBoth();
    await world.problem(there, patient, 'Hidden asthma');
    const { response, client, c } = await open(patient, 'problems', true);
    assert.match(response.body, new RegExp(`href="/record/break-glass\\?c=${c}"`));
    await client.get(`/record/break-glass?c=${c}`);
    await client.post(`/record/break-glass?c=${c}`, {
      reason: 'emergency',
      explanation: 'Brought in unconscious',
    });
    const page = textOf((await client.get(`/record?section=problems&c=${c}`)).body);
    assert.match(page, /Hidden asthma/);
    assert.doesNotMatch(page, new RegExp(NOTHING));
    await client.post(`/record/break-glass/end?c=${c}`);
    assert.match(textOf((await client.get(`/record?section=problems&c=${c}`)).body), new RegExp(NOTHING));
  });

  it('opens with what the organisation wrote itself, and says so first', async () => {
    const patient = await patientOfBoth();
    await world.problem(here, patient, 'Own asthma');
    await world.problem(there, patient, 'Hidden diabetes');
    for (const section of SECTIONS) {
      const { response, text } = await open(patient, section);
      assert.match(text, new RegExp(`${NOTHING}\\. You see only what your organisation wrote itself`));
      assert.ok(text.indexOf(NOTHING) < text.indexOf('Problems'), 'before the record');
      assert.doesNotMatch(text, /Hidden/);
      assert.deepEqual(await htmlProblems(response.body), []);
    }
    assert.match((await open(patient, 'problems')).text, /Own asthma/);
  });

  it('does not count what was entered by mistake', async () => {
    const patient = await patientOfBoth();
    await world.stored(
      here,
      {
        resourceType: 'Condition',
        verificationStatus: {
          coding: [
            {
              system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status',
              code: 'entered-in-error',
            },
          ],
        },
        code: { text: 'Wrong patient' },
        subject: { reference: `Patient/${patient.id}` },
      },
      { patientId: patient.id },
    );
    assert.match((await open(patient)).text, /has written nothing in this record itself/);
  });

  it('says nothing of it when the patient shares one label, and to the patient', async () => {
    const patient = await patientOfBoth(labelBits('SOCIAL_CARE'));
    assert.doesNotMatch((await open(patient)).text, /shares nothing/);
    const alone = await patientOfBoth();
    const account = await world.account(alone);
    const page = await world.app.client().get(`/own/${account}`);
    assert.equal(page.statusCode, 200);
    assert.doesNotMatch(textOf(page.body), /shares nothing/);
  });
});
