import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionPages, fieldsOf } from '../../test/support/connections-app.ts';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';

describe('reviewing and granting', () => {
  const t = connectionPages();

  it('shows everything of the system before the button', async () => {
    const clientId = await t.app.world.system({
      name: 'Letters',
      company: 'Post Ltd',
      purpose: 'Prints letters that nobody opened.',
      scopes: ['system/DocumentReference.cruds', 'system/Patient.rs'],
    });
    const patients = [t.organisation.id];
    await t.app.world.patient(patients, [
      { type: 'DocumentReference' },
      { type: 'DocumentReference' },
      { type: 'Condition' },
    ]);
    await t.app.world.patient(patients);
    const client = await t.app.signedIn(t.administrator);
    const page = await client.get(`/connected-systems/add/${clientId}`);
    const text = textOf(page.body);
    for (const part of [
      'Letters',
      'Post Ltd',
      clientId,
      'Prints letters that nobody opened.',
      'Sam Contact',
      'sam@company.example.org',
      'https://company.example.org/privacy',
      'system/DocumentReference.cruds',
      'system/Patient.rs',
      'Up to 2 patients',
      'Letters and documents: 2',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.doesNotMatch(text, /Problems and diagnoses/, 'only the kinds it asks for');
    assert.deepEqual(await htmlProblems(page.body), []);
  });

  it('grants everything that was shown with the button alone, then shows a page that survives a reload', async () => {
    const clientId = await t.app.world.system({ name: 'Plain path' });
    const { client, page, connectionId } = await t.grantByPages(clientId);
    const { rows } = await t.db.database.service.query(
      'select scopes, labels, expires_at, reason from connection where id = $1',
      [connectionId],
    );
    assert.deepEqual(rows[0], {
      scopes: ['system/Observation.cruds', 'system/Patient.rs'],
      labels: 15,
      expires_at: null,
      reason: null,
    });
    for (let reload = 0; reload < 2; reload++) {
      const confirmation = await client.get(page);
      assert.equal(confirmation.statusCode, 200);
      assert.match(textOf(confirmation.body), /Access granted/);
      assert.match(
        confirmation.body,
        new RegExp(`id="fhir-base">https://service.test/organisations/${t.organisation.id}/fhir/R4<`),
      );
      assert.deepEqual(await htmlProblems(confirmation.body), []);
    }
  });

  it('grants less when something is unticked, with an end date and a reason', async () => {
    const clientId = await t.app.world.system();
    const client = await t.app.signedIn(t.administrator);
    const action = `/connected-systems/add/${clientId}`;
    const review = await client.get(action);
    const fields = fieldsOf(review.body, action)
      .filter(([, value]) => !['system/Observation.cud', 'SEXUAL_HEALTH'].includes(value))
      .map(([name, value]): [string, string] => {
        const typed: Record<string, string> = {
          day: '30',
          month: ' 6',
          year: '2030',
          reason: ' Pilot\nof 2 wards ',
        };
        return [name, typed[name] ?? value];
      });
    const granted = await client.post(action, fields);
    assert.equal(granted.statusCode, 303);
    const confirmation = await client.follow(granted);
    assert.match(textOf(confirmation.body), /until the end of 30 June 2030/);
    assert.match(
      textOf(confirmation.body),
      /Only entries with these privacy labels: General health, Mental health, Social care/,
    );
    const { rows } = await t.db.database.service.query(
      'select id, scopes, labels, reason from connection where client_id = $1',
      [clientId],
    );
    assert.deepEqual(
      { ...rows[0], id: null },
      {
        id: null,
        scopes: ['system/Observation.rs', 'system/Patient.rs'],
        labels: 0b1011,
        reason: 'Pilot of 2 wards',
      },
    );
    const view = textOf((await client.get(`/connected-systems/${rows[0].id}`)).body);
    assert.match(view, /Asked for, not given/);
  });

  it('grants for the patients of some teams alone', async () => {
    const clientId = await t.app.world.system();
    const physio = await t.app.world.team(t.organisation.id, 'Physiotherapy');
    await t.app.world.team(t.organisation.id, 'Cardiology');
    const client = await t.app.signedIn(t.administrator);
    const action = `/connected-systems/add/${clientId}`;
    const fields = fieldsOf((await client.get(action)).body, action);
    assert.ok(!fields.some(([name]) => name === 'teams'), 'the plain path is for every team');
    const odd = await client.post(action, [...fields, ['teams', 'not a team']]);
    assert.equal(odd.statusCode, 422);
    const confirmation = await client.follow(await client.post(action, [...fields, ['teams', physio]]));
    assert.match(textOf(confirmation.body), /Only patients of these teams: Physiotherapy/);
  });

  it('says what is wrong with the form, keeps what was typed, and changes nothing', async () => {
    const clientId = await t.app.world.system();
    const client = await t.app.signedIn(t.administrator);
    const action = `/connected-systems/add/${clientId}`;
    const fields = Object.fromEntries(fieldsOf((await client.get(action)).body, action));
    const wrong: [Record<string, string>, RegExp][] = [
      [{ day: '31', month: '2', year: '2030' }, /must be a real date/],
      [{ day: '1', month: '', year: '2030' }, /must be a real date/],
      [{ day: '1', month: '1', year: '2020' }, /today or in the future/],
      [{ day: '1', month: '1', year: '2999' }, /within 10 years/],
      [{ day: 'x', month: '1', year: '2030' }, /must be a real date/],
      [{ reason: 'x'.repeat(501) }, /500 characters or fewer/],
    ];
    for (const [typed, message] of wrong) {
      const page = await client.post(action, { ...fields, ...typed });
      assert.equal(page.statusCode, 422);
      assert.match(textOf(page.body), message);
      for (const value of Object.values(typed)) assert.ok(page.body.includes(`value="${value}"`));
      assert.match(page.body, /<details class="nhsuk-details" open>/);
      assert.deepEqual(await htmlProblems(page.body), []);
    }
    for (const missing of ['scopes', 'labels']) {
      const page = await client.post(
        action,
        Object.entries(fields).filter(([name]) => name !== missing),
      );
      assert.equal(page.statusCode, 422);
      assert.match(textOf(page.body), /Choose at least one/);
    }
    const { rows } = await t.db.database.service.query('select from connection where client_id = $1', [
      clientId,
    ]);
    assert.equal(rows.length, 0);
  });

  it('shows the review again when the registration changed meanwhile', async () => {
    const clientId = await t.app.world.system({ scopes: ['system/Patient.rs'] });
    const client = await t.app.signedIn(t.administrator);
    const action = `/connected-systems/add/${clientId}`;
    const fields = fieldsOf((await client.get(action)).body, action);
    await t.db.database.owner.query(
      `update system set scopes = '{system/*.cruds}', permissions = '{*.c,*.r,*.u,*.d,*.s}' where client_id = $1`,
      [clientId],
    );
    const again = await client.post(action, fields);
    assert.equal(again.statusCode, 409);
    assert.match(textOf(again.body), /The details have changed/);
    assert.match(textOf(again.body), /system\/\*\.cruds/);
    const granted = await client.post(action, fieldsOf(again.body, action));
    assert.equal(granted.statusCode, 303, 'what is shown now can be granted');
  });

  it('tells the second of two who send it who granted access and when', async () => {
    const clientId = await t.app.world.system({ name: 'Raced' });
    const action = `/connected-systems/add/${clientId}`;
    const second = await t.app.signedIn(await t.app.world.staff(t.organisation.id));
    const review = await second.get(action);
    const { connectionId } = await t.grantByPages(clientId);
    const late = await second.post(action, fieldsOf(review.body, action));
    assert.equal(late.statusCode, 409);
    assert.match(textOf(late.body), /Raced already has access/);
    assert.match(textOf(late.body), /Access was granted by Ada Min on \d+ \w+ \d{4} at [\d:.]+ \w+/);
    assert.match(late.body, new RegExp(`href="/connected-systems/${connectionId}"`));
    assert.deepEqual(await htmlProblems(late.body), []);
    assert.doesNotMatch(
      (await second.get(action)).body,
      /name="reviewed"/,
      'the review page offers no second grant',
    );
  });
});
