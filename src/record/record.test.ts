import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';
import { type RecordWorld, recordWorld } from '../../test/support/record-world.ts';
import { labelBits } from '../../test/support/world.ts';

describe('the record page of professionals', () => {
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
    world.app.faults.audit = false;
  });

  /** A patient of both organisations who shares these labels with the one the professional works for. */
  async function patientOfBoth(shares = 0) {
    const patient = await world.patient(there, {
      name: [{ use: 'official', family: 'Morgan', given: ['Nia'] }],
      gender: 'female',
      identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000042' }],
    });
    await world.register(patient, here, { shares });
    return patient;
  }

  async function open(patient: { id: string }, section = 'summary', more = '') {
    const { client, c } = await world.app.opened(person, patient.id);
    const response = await client.get(`/record?section=${section}&c=${c}${more}`);
    return { response, text: textOf(response.body), client, c };
  }

  it('says on every page whose record it is', async () => {
    const { text, response } = await open(await patientOfBoth());
    assert.equal(response.statusCode, 200);
    assert.match(text, /MORGAN, Nia/);
    assert.match(text, /Born 03-Feb-1980 \(\d\dy\)/);
    assert.match(text, /NHS number 999 000 0042/);
    assert.deepEqual(await htmlProblems(response.body), []);
  });

  it('keeps who the patient is out of the address and the title', async () => {
    const patient = await patientOfBoth();
    const { response } = await open(patient);
    assert.doesNotMatch(/<title>.*<\/title>/s.exec(response.body)![0], /Morgan|999/i);
    assert.doesNotMatch(response.body, new RegExp(`href="[^"]*${patient.id}`));
  });

  it('shows what the organisation wrote, and of others what the patient shares, with who and which label', async () => {
    const patient = await patientOfBoth(labelBits('GENERAL_HEALTH'));
    await world.problem(here, patient, 'Own asthma');
    await world.problem(here, patient, 'Own sadness', { label: 'MENTAL_HEALTH' });
    await world.problem(there, patient, 'Shared diabetes');
    await world.problem(there, patient, 'Hidden sadness', { label: 'MENTAL_HEALTH' });
    const { text } = await open(patient, 'problems');
    assert.match(text, /Own asthma .*?Here Surgery Label: General health/);
    assert.match(text, /Own sadness .*?Here Surgery Label: Mental health/);
    assert.match(text, /Shared diabetes .*?There Trust Label: General health/);
    assert.doesNotMatch(text, /Hidden/);
  });

  it('lets nothing be learned of what is not shared: the page is the same as if it were not there', async () => {
    const [one, other] = [await patientOfBoth(), await patientOfBoth()];
    await world.problem(there, one, 'Hidden asthma');
    await world.observation(there, one);
    for (const section of ['summary', 'problems', 'results', 'letters', 'appointments']) {
      const pages = await Promise.all(
        [one, other].map(async (patient) => (await open(patient, section)).text),
      );
      assert.equal(pages[0], pages[1]);
    }
  });

  it('shows nothing of a patient who is not, or is no longer, registered with the organisation', async () => {
    const patient = await world.patient(there);
    const { response, text } = await open(patient);
    assert.equal(response.statusCode, 404);
    assert.match(text, /This record is not available/);
    assert.deepEqual(
      world.app.audit.map(({ interaction, outcome, status }) => [interaction, outcome, status]),
      [['record-read', 'not-found', 404]],
    );
  });

  it('shows nothing once the role has ended', async () => {
    const leaver = await world.staff(here, 'professional');
    const patient = await patientOfBoth();
    const { client, c } = await world.app.opened(leaver, patient.id);
    await world.owner.query('update staff_role set ended_at = now() where account_id = $1', [
      leaver.accountId,
    ]);
    const response = await client.get(`/record?c=${c}`);
    assert.notEqual(response.statusCode, 200);
    assert.doesNotMatch(response.body, /Morgan/i);
  });

  it('is for a session that has the record open, and never falls back to another', async () => {
    const patient = await patientOfBoth();
    const { client, c } = await open(patient);
    const elsewhere = await world.app.opened(person, (await patientOfBoth()).id);
    const refused = await elsewhere.client.get(`/record?c=${c}`);
    assert.equal(refused.statusCode, 404);
    assert.match(textOf(refused.body), /No patient record is open/);
    assert.equal((await client.get('/record?c=nonsense')).statusCode, 404);
    assert.equal((await world.app.client().get(`/record?c=${c}`)).statusCode, 303);
  });

  it('is audited before it is answered, each section by itself', async () => {
    const patient = await patientOfBoth();
    await world.observation(here, patient);
    await world.observation(here, patient, { code: '8310-5' });
    await open(patient, 'results');
    const [{ at: _at, requestId, ...entry }] = world.app.audit as [(typeof world.app.audit)[0]];
    assert.ok(requestId);
    assert.deepEqual(entry, {
      kind: 'page',
      interaction: 'record-read',
      outcome: 'allowed',
      status: 200,
      address: '127.0.0.1',
      accountId: person.accountId,
      organisationId: here.id,
      patients: [patient.id],
      detail: 'results',
      resourceType: 'Observation',
      resourceId: null,
      count: 2,
    });
    world.app.faults.audit = true;
    const { response } = await open(patient, 'results');
    assert.equal(response.statusCode, 500);
    assert.doesNotMatch(response.body, /Morgan/i);
  });

  it('puts what is current first, and leaves out what was entered by mistake', async () => {
    const patient = await patientOfBoth();
    await world.problem(here, patient, 'Long gone', { status: 'resolved' });
    await world.problem(here, patient, 'Here now');
    await world.stored(
      here,
      {
        resourceType: 'Condition',
        verificationStatus: { coding: [{ code: 'entered-in-error', system: 'x' }] },
        code: { text: 'Mistake' },
        subject: { reference: `Patient/${patient.id}` },
      },
      { patientId: patient.id },
    );
    const all = await open(patient, 'problems');
    assert.match(all.text, /Here now.*Past problems.*Long gone/);
    assert.doesNotMatch(all.text, /Mistake/);
    const summary = await open(patient);
    assert.match(summary.text, /Here now/);
    assert.doesNotMatch(summary.text, /Long gone/);
    assert.match(summary.text, /All 2 problems, also past ones/);
  });

  it('says what is missing, and that all is past, rather than nothing', async () => {
    const patient = await patientOfBoth();
    await world.problem(here, patient, 'Long gone', { status: 'resolved' });
    const { text } = await open(patient);
    assert.match(text, /Nothing is recorded about allergies/);
    assert.match(text, /Nothing current\. 1 in the past/);
    for (const section of ['results', 'letters', 'appointments', 'visits', 'vaccinations', 'reports']) {
      const empty = await open(patient, section);
      assert.equal(empty.response.statusCode, 200);
      assert.match(empty.text, /No |There are no /);
    }
  });

  it('goes through long lists page by page, and takes an address past the end for the beginning', async () => {
    const patient = await patientOfBoth();
    for (let n = 0; n < 23; n++) await world.problem(here, patient, `Problem ${n}.`);
    const first = await open(patient, 'problems');
    assert.match(first.text, /Showing 1 to 20 of 23 entr/);
    const second = await open(patient, 'problems', '&page=2');
    assert.equal([...second.response.body.matchAll(/<strong>Problem \d+\.<\/strong>/g)].length, 3);
    for (const page of ['99', '-1', 'x', '1e9', '']) {
      const { response } = await open(patient, 'problems', `&page=${page}`);
      assert.equal([...response.body.matchAll(/<strong>Problem \d+\.<\/strong>/g)].length, 20, page);
    }
  });

  it('draws results of one code over time, whoever supplied them', async () => {
    const patient = await patientOfBoth(15);
    await world.observation(here, patient, { date: '2026-01-02', value: 72 });
    await world.observation(there, patient, { date: '2025-01-02', value: 80 });
    await world.observation(here, patient, { date: '2025-06-02', value: 5, code: '8310-5' });
    const { response, text } = await open(patient, 'results');
    assert.equal([...response.body.matchAll(/<svg class="cs-chart"/g)].length, 1);
    assert.match(response.body, /<desc id="[^"]+">2 results from 2 January 2025 to 2 January 2026\./);
    assert.match(text, /2 January 2026 Result 72.*?Here Surgery/);
    assert.match(text, /2 January 2025 Result 80.*?There Trust/);
    assert.deepEqual(await htmlProblems(response.body), []);
  });

  it('does not mix results whose codes are only words', async () => {
    const patient = await patientOfBoth();
    for (const [text, valueString] of [
      ['Smell', 'none'],
      ['Taste', 'some'],
    ]) {
      await world.stored(
        here,
        {
          resourceType: 'Observation',
          status: 'final',
          code: { text },
          subject: { reference: `Patient/${patient.id}` },
          valueString,
        },
        { patientId: patient.id },
      );
    }
    const { text } = await open(patient, 'results');
    assert.match(text, /2 kinds of result/);
  });

  it('names a medicine by the Medication that it refers to', async () => {
    const patient = await patientOfBoth();
    const medication = await world.stored(here, {
      resourceType: 'Medication',
      code: { text: 'Timolol drops' },
    });
    for (const reference of [`Medication/${medication.id}`, 'Medication/nonsense', 'urn:uuid:1']) {
      await world.stored(
        here,
        {
          resourceType: 'MedicationRequest',
          status: 'active',
          intent: 'order',
          medicationReference: { reference },
          subject: { reference: `Patient/${patient.id}` },
        },
        { patientId: patient.id },
      );
    }
    const { text } = await open(patient, 'medicines');
    assert.match(text, /Timolol drops/);
    assert.equal(text.split('Medicine without a name').length - 1, 2);
  });

  it('lists appointments to come soonest first, before past ones', async () => {
    const patient = await patientOfBoth();
    for (const [description, days, status] of [
      ['Later', 20, 'booked'],
      ['Sooner', 2, 'booked'],
      ['Before', -9, 'fulfilled'],
      ['Called off', 5, 'cancelled'],
    ] as const) {
      const start = new Date(Date.now() + days * 86_400_000).toISOString();
      const end = new Date(Date.parse(start) + 600_000).toISOString();
      const participant = [{ actor: { reference: `Patient/${patient.id}` }, status: 'accepted' }];
      await world.stored(
        here,
        { resourceType: 'Appointment', status, description, start, end, participant },
        { patientId: patient.id },
      );
    }
    const { text } = await open(patient, 'appointments');
    assert.match(text, /to come.*Sooner.*Later.*Past appointments.*Called off.*Before/);
  });

  it('escapes whatever an entry holds', async () => {
    const patient = await patientOfBoth();
    await world.problem(here, patient, '<script>alert(1)</script>"><img src=x>');
    await world.stored(
      here,
      {
        resourceType: 'Observation',
        status: 'final',
        code: { text: '</title></svg><script>alert(2)</script>' },
        subject: { reference: `Patient/${patient.id}` },
        effectiveDateTime: '2026-01-01',
        valueQuantity: { value: 1, unit: '<b>' },
      },
      { patientId: patient.id },
    );
    for (const section of ['summary', 'problems', 'results']) {
      const { response } = await open(patient, section);
      assert.doesNotMatch(response.body, /<script>alert|<img src=x|<b>/);
    }
  });

  describe('opened for one patient alone', () => {
    it('leads to no other: no navigation, no search', async () => {
      const patient = await patientOfBoth();
      const { client, c } = await world.app.opened(person, patient.id, {
        locked: true,
        openedBy: 'systmone',
      });
      const response = await client.get(`/record?c=${c}`);
      assert.equal(response.statusCode, 200);
      assert.doesNotMatch(response.body, /href="\/patients"/);
      for (const refused of [await client.get('/patients'), await client.post('/patients')]) {
        assert.equal(refused.statusCode, 403);
      }
    });
  });

  describe('a letter', () => {
    const letterOf = (patient: { id: string }, contentType: string, data: string) => ({
      resourceType: 'DocumentReference',
      status: 'current',
      subject: { reference: `Patient/${patient.id}` },
      date: '2026-05-03T09:00:00Z',
      description: 'Clinic letter',
      content: [{ attachment: { contentType, data: Buffer.from(data).toString('base64') } }],
    });

    it('is shown as text, is no receipt, and is audited by its id', async () => {
      const patient = await patientOfBoth();
      const { id } = await world.stored(
        here,
        letterOf(patient, 'text/plain', 'Dear Nia,\nall <b>well</b>.'),
        {
          patientId: patient.id,
        },
      );
      const { client, c, response } = await open(patient, 'letters');
      assert.match(response.body, new RegExp(`/record/letter\\?id=${id}`));
      world.app.audit.length = 0;
      const letter = await client.get(`/record/letter?id=${id}&c=${c}`);
      assert.match(letter.body, /Dear Nia,\nall &lt;b&gt;well/);
      assert.deepEqual(await htmlProblems(letter.body), []);
      assert.equal(world.app.audit[0]?.resourceId, id);
      const { rows } = await world.owner.query('select first_read_at from letter where id = $1', [id]);
      assert.deepEqual(rows, [{ first_read_at: null }]);
    });

    it('is sent as a file that no browser runs', async () => {
      const patient = await patientOfBoth();
      const html = '<p onclick="x()">Hello</p><script>x()</script>';
      const { id } = await world.stored(here, letterOf(patient, 'text/html', html), {
        patientId: patient.id,
      });
      const { client, c } = await open(patient, 'letters');
      const page = await client.get(`/record/letter?id=${id}&c=${c}`);
      assert.match(page.body, /<p>Hello<\/p>/);
      const file = await client.get(`/record/letter/file?id=${id}&n=0&c=${c}`);
      // Opened from a disk it is under no policy of ours.
      assert.match(file.body, /<body><p>Hello<\/p>/);
      assert.doesNotMatch(file.body, /script|onerror/);
      assert.equal(file.headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(file.headers['content-disposition'], 'attachment; filename="letter.html"');
      assert.equal(file.headers['content-security-policy'], "default-src 'none'; sandbox");
      assert.equal(file.headers['x-content-type-options'], 'nosniff');
      for (const n of ['1', '-1', 'x', '']) {
        assert.equal((await client.get(`/record/letter/file?id=${id}&n=${n}&c=${c}`)).statusCode, 404);
      }
    });

    it('may keep its content in a Binary of the same patient and organisation, and in no other', async () => {
      const [patient, other] = [await patientOfBoth(), await patientOfBoth()];
      const binary = async (organisation: typeof here, of: { id: string }, text: string) => {
        const resource = {
          resourceType: 'Binary',
          contentType: 'text/plain',
          data: Buffer.from(text).toString('base64'),
        };
        return `Binary/${(await world.stored(organisation, resource, { patientId: of.id })).id}`;
      };
      const urls = [
        await binary(here, patient, 'Dear Nia'),
        await binary(here, other, 'Secret'),
        await binary(there, patient, 'Secret'),
        'https://elsewhere.example/x',
        `${await binary(here, patient, 'Secret')}/_history/2`,
      ];
      const named = await binary(here, patient, 'Dear Morgan');
      urls.unshift(`http://service.test/fhir/R4/${named}/_history/1`);
      const letter = letterOf(patient, 'text/plain', '');
      const content = urls.map((url) => ({ attachment: { contentType: 'text/plain', url } }));
      const { id } = await world.stored(here, { ...letter, content }, { patientId: patient.id });
      const { client, c } = await open(patient, 'letters');
      const page = await client.get(`/record/letter?id=${id}&c=${c}`);
      assert.match(page.body, /Dear Morgan.*Dear Nia/s);
      assert.doesNotMatch(page.body, /Secret/);
      assert.equal((await client.get(`/record/letter/file?id=${id}&n=1&c=${c}`)).body, 'Dear Nia');
      assert.equal((await client.get(`/record/letter/file?id=${id}&n=0&c=${c}`)).body, 'Dear Morgan');
      for (const n of [2, 3, 4, 5]) {
        assert.equal((await client.get(`/record/letter/file?id=${id}&n=${n}&c=${c}`)).statusCode, 404);
      }
    });

    it('of somebody else, not shared or not there is the same 404', async () => {
      const [patient, other] = [await patientOfBoth(), await patientOfBoth()];
      const letter = letterOf(other, 'text/plain', 'Secret');
      const theirs = await world.stored(here, letter, { patientId: other.id });
      const hidden = await world.stored(there, letterOf(patient, 'text/plain', 'Secret'), {
        patientId: patient.id,
      });
      const { client, c } = await open(patient, 'letters');
      for (const id of [theirs.id, hidden.id, world.newId(), 'x', '']) {
        for (const path of ['letter', 'letter/file']) {
          const response = await client.get(`/record/${path}?id=${id}&n=0&c=${c}`);
          assert.equal(response.statusCode, 404);
          assert.doesNotMatch(response.body, /Secret/);
        }
      }
    });
  });
});
