import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';
import { type RecordWorld, recordWorld } from '../../test/support/record-world.ts';

const FORM = { reason: 'emergency', explanation: 'Unconscious on arrival, nobody to ask.' };

describe('breaking the glass', () => {
  let world: RecordWorld;
  let here: Awaited<ReturnType<RecordWorld['organisation']>>;
  let there: typeof here;
  let person: Awaited<ReturnType<RecordWorld['staff']>>;
  before(async () => {
    world = await recordWorld();
    here = await world.organisation('Here Surgery');
    there = await world.organisation('There Trust');
    person = await world.staff(here, 'professional', 'Dr Ann Lee');
  });
  after(() => world?.stop());
  beforeEach(() => {
    world.app.audit.length = 0;
    world.app.faults.audit = false;
  });

  /** A patient of both organisations who shares nothing with the professional's, and what they do not share. */
  async function reluctant() {
    const patient = await world.patient(there);
    await world.register(patient, here, { shares: 0 });
    await world.problem(there, patient, 'Hidden sadness', { label: 'MENTAL_HEALTH' });
    await world.problem(there, patient, 'Hidden asthma');
    return patient;
  }

  async function broken(patient: { id: string }, by = person) {
    const opened = await world.app.opened(by, patient.id, { breakGlass: true });
    await opened.client.get(`/record/break-glass?c=${opened.c}`);
    const response = await opened.client.post(`/record/break-glass?c=${opened.c}`, FORM);
    const page = async () => textOf((await opened.client.get(`/record?section=problems&c=${opened.c}`)).body);
    return { ...opened, response, page };
  }

  it('shows everything of that patient to that person, marked, under every label', async () => {
    const { response, page } = await broken(await reluctant());
    assert.equal(response.statusCode, 303);
    const text = await page();
    assert.match(text, /Emergency access until/);
    assert.match(text, /Hidden sadness.*There Trust Label: Mental health Not shared with you|Hidden asthma/);
    assert.match(text, /Hidden asthma.*Not shared with you/);
    const entry = world.app.audit.findLast(({ interaction }) => interaction === 'record-read');
    assert.equal(entry?.detail, 'problems, glass broken');
  });

  it('shows a letter’s file as it was in the version that the letter names, and only until it ends', async () => {
    const patient = await reluctant();
    const textOfFile = (words: string) => ({
      resourceType: 'Binary',
      contentType: 'text/plain',
      data: Buffer.from(words).toString('base64'),
    });
    const file = await world.stored(there, textOfFile('Hidden Monday'), { patientId: patient.id });
    await world.owner.query(
      `with kept as (
         insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content)
         select route, id, version, type, patient_id, organisation_id, label, updated_at, content from resource where id = $1)
       update resource set version = 2, content = $2 where id = $1`,
      [file.id, JSON.stringify({ ...textOfFile('Hidden Friday'), id: file.id })],
    );
    const url = `Binary/${file.id}/_history/1`;
    const letter = await world.stored(
      there,
      {
        resourceType: 'DocumentReference',
        status: 'current',
        subject: { reference: `Patient/${patient.id}` },
        content: [{ attachment: { contentType: 'text/plain', url } }],
      },
      { patientId: patient.id },
    );
    const { client, c } = await broken(patient);
    const opened = () => client.get(`/record/letter/file?id=${letter.id}&n=0&c=${c}`);
    assert.equal((await opened()).body, 'Hidden Monday');
    await client.post(`/record/break-glass/end?c=${c}`);
    assert.equal((await opened()).statusCode, 404);
  });

  it('widens nothing for anybody else, nor of any other patient', async () => {
    const [patient, other] = [await reluctant(), await reluctant()];
    await broken(patient);
    const colleague = await world.staff(here, 'professional');
    for (const [by, whose] of [
      [colleague, patient],
      [person, other],
    ] as const) {
      const { client, c } = await world.app.opened(by, whose.id, { breakGlass: true });
      const page = await client.get(`/record?section=problems&c=${c}`);
      assert.doesNotMatch(page.body, /Hidden|Emergency access until/);
    }
  });

  it('ends after 30 minutes by the clock of the database', async () => {
    const patient = await reluctant();
    const { page } = await broken(patient);
    const glass = await world.owner.query(
      'select extract(epoch from until - broken_at)::integer as seconds from break_glass where patient_id = $1',
      [patient.id],
    );
    assert.deepEqual(glass.rows, [{ seconds: 1800 }]);
    const leave = (seconds: number) =>
      world.owner.query(
        `update break_glass set until = clock_timestamp() + make_interval(secs => $2),
                                broken_at = clock_timestamp() - interval '30 minutes' where patient_id = $1`,
        [patient.id, seconds],
      );
    await leave(60);
    assert.match(await page(), /Hidden asthma/);
    await leave(0);
    assert.doesNotMatch(await page(), /Hidden|Emergency access until/);
  });

  it('is ended sooner by who did it', async () => {
    const { client, c, page } = await broken(await reluctant());
    assert.match(await page(), /Hidden asthma/);
    await client.post(`/record/break-glass/end?c=${c}`);
    assert.doesNotMatch(await page(), /Hidden/);
    assert.ok(world.app.audit.some(({ interaction }) => interaction === 'break-glass-end'));
  });

  it('is audited with the patient before anything opens: without the record, nothing does', async () => {
    const patient = await reluctant();
    world.app.faults.audit = true;
    const failed = await broken(patient);
    assert.equal(failed.response.statusCode, 500);
    world.app.faults.audit = false;
    assert.doesNotMatch(await failed.page(), /Hidden/);

    await broken(patient);
    const entry = world.app.audit.find(({ interaction }) => interaction === 'break-glass');
    assert.deepEqual(
      [entry?.kind, entry?.outcome, entry?.patients, entry?.accountId, entry?.organisationId, entry?.detail],
      ['page', 'allowed', [patient.id], person.accountId, here.id, 'emergency'],
    );
  });

  it('is refused where the organisation does not allow it, and audited', async () => {
    const patient = await reluctant();
    const { client, c } = await world.app.opened(person, patient.id, { breakGlass: false });
    const page = await client.get(`/record?c=${c}`);
    assert.doesNotMatch(page.body, /break-glass/);
    assert.equal((await client.get(`/record/break-glass?c=${c}`)).statusCode, 403);
    assert.equal((await client.post(`/record/break-glass?c=${c}`, FORM)).statusCode, 403);
    assert.equal(world.app.audit.at(-1)?.outcome, 'not-allowed');
    const { rowCount } = await world.owner.query('select from break_glass where patient_id = $1', [
      patient.id,
    ]);
    assert.equal(rowCount, 0);
  });

  it('is refused for a patient who is not of the organisation, and for a role that has ended', async () => {
    const stranger = await world.patient(there);
    await world.problem(there, stranger, 'Hidden asthma');
    assert.equal((await broken(stranger)).response.statusCode, 403);

    const leaver = await world.staff(here, 'professional');
    const patient = await reluctant();
    const { rows } = await world.owner.query(
      `update staff_role set ended_at = now() where account_id = $1 returning account_id`,
      [leaver.accountId],
    );
    assert.equal(rows.length, 1);
    const { response } = await broken(patient, leaver);
    assert.notEqual(response.headers.location, undefined);
    const { rowCount } = await world.owner.query('select from break_glass where patient_id = $1', [
      patient.id,
    ]);
    assert.equal(rowCount, 0);
  });

  it('wants a reason and some words, and changes nothing without', async () => {
    const patient = await reluctant();
    const { client, c } = await world.app.opened(person, patient.id, { breakGlass: true });
    const form = await client.get(`/record/break-glass?c=${c}`);
    assert.deepEqual(await htmlProblems(form.body), []);
    for (const fields of [
      {},
      { reason: 'curiosity', explanation: FORM.explanation },
      { reason: 'toString', explanation: FORM.explanation },
      { reason: 'emergency', explanation: '   too short ' },
      { reason: 'emergency', explanation: 'x'.repeat(501) },
      { reason: 'emergency', explanation: `with a nul \0 in it` },
    ]) {
      const response = await client.post(`/record/break-glass?c=${c}`, fields as Record<string, string>);
      assert.equal(response.statusCode, 422, JSON.stringify(fields));
      assert.match(response.body, /There is a problem/);
      assert.deepEqual(await htmlProblems(response.body), []);
    }
    assert.ok(
      world.app.audit.every(
        ({ interaction, detail }) => `${interaction}: ${detail}` === 'record-read: emergency access',
      ),
    );
    const { rowCount } = await world.owner.query('select from break_glass where patient_id = $1', [
      patient.id,
    ]);
    assert.equal(rowCount, 0);
  });

  it('sent many times at once is done once', async () => {
    const patient = await reluctant();
    const { client, c } = await world.app.opened(person, patient.id, { breakGlass: true });
    await client.get(`/record/break-glass?c=${c}`);
    await Promise.all(Array.from({ length: 4 }, () => client.post(`/record/break-glass?c=${c}`, FORM)));
    const { rowCount } = await world.owner.query('select from break_glass where patient_id = $1', [
      patient.id,
    ]);
    assert.equal(rowCount, 1);
  });

  it('is shown to the patient with who, when and why', async () => {
    const patient = await reluctant();
    await broken(patient);
    const account = await world.account(patient);
    const text = textOf((await world.app.client().get(`/own/${account}`)).body);
    assert.match(text, /Dr Ann Lee of Here Surgery, from .* The patient needs treatment urgently/);
    assert.match(text, /Unconscious on arrival, nobody to ask\./);
  });

  describe('in the database', () => {
    const asService = async <T>(
      act: (query: (text: string, values?: unknown[]) => Promise<T[]>) => Promise<void>,
    ) => {
      const client = await world.db.database.service.connect();
      try {
        await client.query('begin');
        await act(async (text, values) => (await client.query(text, values)).rows as T[]);
      } finally {
        await client.query('rollback');
        client.release();
      }
    };

    it('the setting alone opens nothing, nor does the table let itself be written', async () => {
      const patient = await reluctant();
      await asService<{ count: number }>(async (query) => {
        await query('select act_for_record($1, $2, $3)', [person.accountId, here.id, patient.id]);
        await query(`select set_config('app.glass', $1, true)`, [patient.id]);
        const seen = await query(
          `select count(*) from resource where patient_id = $1 and type = 'Condition'`,
          [patient.id],
        );
        assert.deepEqual(seen, [{ count: 0 }]);
        await assert.rejects(query('update break_glass set until = now()'), { code: '42501' });
      });
    });

    it('the broken glass is no use without the role, to another organisation, or for writing', async () => {
      const patient = await reluctant();
      await broken(patient);
      const seen = async (organisation: { id: string }) => {
        let count = -1;
        await asService<{ count: number; role: string | null }>(async (query) => {
          await query('select act_for_record($1, $2, $3)', [person.accountId, organisation.id, patient.id]);
          await query(`select set_config('app.glass', $1, true)`, [patient.id]);
          const rows = await query(
            `select count(*) from resource where patient_id = $1 and type = 'Condition'`,
            [patient.id],
          );
          count = rows[0]!.count;
        });
        return count;
      };
      assert.equal(await seen(here), 2);
      assert.equal(await seen(await world.organisation()), 0);
      await asService<{ id: string }>(async (query) => {
        await query('select act_for_record($1, $2, $3)', [person.accountId, here.id, patient.id]);
        const changed = await query(
          `update resource set content = '{}' where patient_id = $1 and type = 'Condition' returning id`,
          [patient.id],
        );
        assert.deepEqual(changed, []);
      });
    });
  });
});
