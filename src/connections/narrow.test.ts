import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionPages, fieldsOf } from '../../test/support/connections-app.ts';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';

describe('the page on which access is reduced', () => {
  const t = connectionPages();

  async function opened() {
    const clientId = await t.app.world.system({ name: 'Readings' });
    const { client, connectionId } = await t.grantByPages(clientId);
    const action = `/connected-systems/${connectionId}/reduce`;
    const page = await client.get(action);
    assert.deepEqual(await htmlProblems(page.body), []);
    return { client, connectionId, action, page, fields: fieldsOf(page.body, action) };
  }
  const without = (fields: [string, string][], ...values: string[]) =>
    fields.filter(([, value]) => !values.includes(value));

  it('begins with all that the system has, and says afterwards what is left', async () => {
    const { client, connectionId, action, fields } = await opened();
    const some = without(fields, 'system/Observation.cud', 'MENTAL_HEALTH', 'SEXUAL_HEALTH');
    const done = await client.post(action, some);
    assert.equal(done.statusCode, 303, textOf(done.body));
    const confirmation = await client.get(String(done.headers.location));
    assert.deepEqual(await htmlProblems(confirmation.body), []);
    const text = textOf(confirmation.body);
    assert.match(text, /Reduced by Ada Min for .+ at \d\d:\d\d:\d\d\.\d{3}/);
    assert.match(text, /system\/Observation\.rs/);
    assert.doesNotMatch(text, /Observation\.cruds|Mental health/);
    const view = textOf((await client.get(`/connected-systems/${connectionId}`)).body);
    assert.match(view, /Asked for, not given.*system\/Observation\.cud/);
    assert.match(view, /Permissions reduced/);
  });

  it('says beside the field what to do when nothing was taken, or everything', async () => {
    const { client, action, fields } = await opened();
    const same = await client.post(action, fields);
    assert.equal(same.statusCode, 422);
    assert.match(textOf(same.body), /There is a problem.*Untick what it should no longer have/);
    const nothing = await client.post(
      action,
      fields.filter(([name]) => name !== 'scopes'),
    );
    assert.match(textOf(nothing.body), /Choose at least one permission/);
    assert.deepEqual(await htmlProblems(nothing.body), []);
  });

  it('keeps what was typed when the date is wrong', async () => {
    const { client, action, fields } = await opened();
    const wrong = without(fields, 'system/Observation.cud').map(([name, value]): [string, string] => [
      name,
      { day: '31', month: '2', year: '2030', reason: 'Less is enough' }[name] ?? value,
    ]);
    const again = await client.post(action, wrong);
    assert.equal(again.statusCode, 422);
    assert.match(textOf(again.body), /The last day of access must be a real date/);
    const kept = fieldsOf(again.body, action);
    assert.ok(kept.some(([name, value]) => name === 'reason' && value === 'Less is enough'));
    assert.ok(!kept.some(([, value]) => value === 'system/Observation.cud'));
  });

  it('shows what has changed meanwhile in the place of doing what was not seen', async () => {
    const { client, action, fields } = await opened();
    assert.equal((await client.post(action, without(fields, 'SOCIAL_CARE'))).statusCode, 303);
    const late = await client.post(action, without(fields, 'MENTAL_HEALTH'));
    assert.equal(late.statusCode, 409);
    assert.match(textOf(late.body), /Its access has changed/);
    const now = fieldsOf(late.body, action).map(([, value]) => value);
    assert.ok(now.includes('MENTAL_HEALTH') && !now.includes('SOCIAL_CARE'));
  });

  it('tells what was made no use of, and unticks it for whoever wants that', async () => {
    const { client, connectionId, action } = await opened();
    assert.match(textOf((await client.get(action)).body), /It has made no use of its permissions since/);
    await t.call(connectionId, 'scope-insufficient');
    assert.match(textOf((await client.get(action)).body), /It has made no use/, 'a refused call is none');
    await t.call(connectionId, 'allowed');
    const page = await client.get(action);
    assert.match(textOf(page.body), /2 of its 3 permissions were not used since/);
    assert.match(textOf(page.body), /Last used \d+/);
    const unticked = await client.get(`${action}?unused=untick`);
    assert.deepEqual(await htmlProblems(unticked.body), []);
    const scopes = fieldsOf(unticked.body, action).filter(([name]) => name === 'scopes');
    assert.deepEqual(scopes, [['scopes', 'system/Observation.rs']]);
  });

  it('has nothing to offer once access has ended', async () => {
    const { client, connectionId, action, fields } = await opened();
    await client.get(`/connected-systems/${connectionId}/revoke`);
    await client.post(`/connected-systems/${connectionId}/revoke`);
    assert.match(textOf((await client.get(action)).body), /Readings is already revoked/);
    const late = await client.post(action, without(fields, 'SOCIAL_CARE'));
    assert.equal(late.statusCode, 409);
    assert.match(textOf(late.body), /Readings is already revoked/);
    const { location } = (await client.get(`/connected-systems/${connectionId}/reduced`)).headers;
    assert.equal(location, `/connected-systems/${connectionId}`, 'no confirmation of what was never done');
  });
});
