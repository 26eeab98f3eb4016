import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { connectionPages, fieldsOf } from '../../../test/support/connections-app.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import { textOf } from '../../../test/support/page-client.ts';
import { newRootId, routeOf } from '../../ids.ts';
import { permissionsOf } from '../../oauth/scopes.ts';
import { createPermissionsForPush } from './permissions-for-push.ts';

const SCOPES = [
  'system/Condition.rs',
  'system/DocumentReference.$read-receipt-query',
  'system/DocumentReference.cruds',
  'system/Observation.rs',
  'system/Organization.$generate-invitation-tokens',
  'system/Patient.$status-query',
  'system/Patient.rs',
  'system/Subscription.cruds',
];

describe('what push needs of a connection', () => {
  const t = connectionPages();
  const query = (text: string, values: unknown[]) => t.db.database.owner.query(text, values);

  async function granted(scopes = SCOPES) {
    const clientId = await t.app.world.system({ name: 'Letters', scopes });
    const id = newRootId();
    await query(
      `insert into connection (id, organisation_id, client_id, status, scopes, permissions, labels, granted_at)
       values ($1, $2, $3, 'active', $4, $5, 15, now())`,
      [id, t.organisation.id, clientId, scopes, permissionsOf(scopes)],
    );
    return id;
  }
  async function subscribed(
    connectionId: string,
    topic: string,
    parts: { types?: string[]; status?: string; paused?: boolean; ended?: boolean } = {},
  ) {
    const id = t.organisation.id.slice(0, 8) + randomUUID().slice(8);
    await query(
      `insert into subscription (route, id, organisation_id, connection_id, topic, types, permissions, endpoint, content,
                                 status, paused, ends_at, created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $7, 'https://hooks.example.org/', '{}', $8, $9,
               case when $10 then now() - interval '1 hour' end, now(), now())`,
      [
        ...[
          routeOf(id),
          id,
          t.organisation.id,
          connectionId,
          topic,
          parts.types ?? null,
          permissionsOf(SCOPES),
        ],
        ...[parts.status ?? 'active', parts.paused ?? false, parts.ended ?? false],
      ],
    );
    return id;
  }
  const needed = async (connectionId: string, as = t.administrator) =>
    (await createPermissionsForPush(t.app.context)(as, connectionId)).sort();

  for (const [topic, types, wanted] of [
    ['letter-read', undefined, ['DocumentReference.$read-receipt-query', 'DocumentReference.r']],
    ['patient-registered', undefined, ['Patient.$status-query', 'Patient.r']],
    ['invitation-used', undefined, ['Organization.$generate-invitation-tokens', 'Patient.$status-query']],
    ['record-changed', ['Observation', 'Immunization'], ['Observation.r']],
    ['record-changed', undefined, ['Condition.r', 'DocumentReference.r', 'Observation.r', 'Patient.r']],
    ['connection-changed', undefined, []],
  ] as const) {
    it(`is that without which it would not be told: ${topic} ${types ?? ''}`, async () => {
      const connectionId = await granted();
      const id = await subscribed(connectionId, topic, { ...(types && { types: [...types] }) });
      assert.deepEqual(await needed(connectionId), [...wanted, 'Subscription.c'].sort());
      // With these and no others it is told still, and without them it is not: of what it is told is asked in SQL.
      const covered = async (permissions: string[]) => {
        await query('update connection set permissions = $2 where id = $1', [connectionId, permissions]);
        const focus = { 'record-changed': 'Observation', 'letter-read': 'DocumentReference' }[
          topic as string
        ];
        const { rows } = await query(
          `select notification_covered((select n from (select $1::integer as route, $2::uuid as subscription_id) x
                    cross join lateral jsonb_populate_record(null::notification, jsonb_build_object(
                      'topic', $3::text, 'focus_type', $4::text)) n), s) as covered
             from subscription s where s.id = $2`,
          [routeOf(id), id, topic, focus ?? null],
        );
        return rows[0].covered as boolean;
      };
      assert.equal(await covered(await needed(connectionId)), true);
      const others = permissionsOf(SCOPES).filter((one) => !(wanted as readonly string[]).includes(one));
      assert.equal(await covered(others), wanted.length === 0);
      assert.equal(await covered([...wanted]), false, 'nobody is told without the permission to subscribe');
    });
  }

  it('is a wildcard where that is what the connection has', async () => {
    const connectionId = await granted(['system/*.cruds']);
    await subscribed(connectionId, 'record-changed', { types: ['Observation'] });
    assert.deepEqual(await needed(connectionId), ['*.c', '*.r']);
  });

  it('is nothing when it has none that may still be told, or for who has no role there', async () => {
    const connectionId = await granted();
    assert.deepEqual(await needed(connectionId), []);
    await subscribed(connectionId, 'letter-read', { status: 'off' });
    await subscribed(connectionId, 'letter-read', { ended: true });
    await subscribed(await granted(), 'letter-read');
    assert.deepEqual(await needed(connectionId), []);
    await subscribed(connectionId, 'patient-registered', { paused: true });
    assert.equal((await needed(connectionId)).length, 3, 'a pause ends');
    const elsewhere = await t.app.world.organisation();
    assert.deepEqual(await needed(connectionId, await t.app.world.staff(elsewhere.id)), []);
  });

  it('stays ticked when what was not used is unticked, and is told apart from what was used', async () => {
    const connectionId = await granted();
    await subscribed(connectionId, 'record-changed', { types: ['Condition'] });
    await t.call(connectionId, 'allowed');
    const client = await t.app.signedIn(t.administrator);
    const action = `/connected-systems/${connectionId}/reduce`;
    const page = await client.get(action);
    assert.deepEqual(await htmlProblems(page.body), []);
    assert.match(textOf(page.body), /Needed for its notifications\. system\/Condition\.rs/);
    assert.match(textOf(page.body), /Last used [^.]*\. system\/Observation\.rs/);
    assert.match(textOf(page.body), /7 of its 10 permissions were not used since/);
    const unticked = await client.get(`${action}?unused=untick`);
    assert.deepEqual(
      fieldsOf(unticked.body, action).flatMap(([name, value]) => (name === 'scopes' ? [value] : [])),
      ['system/Condition.rs', 'system/Observation.rs', 'system/Subscription.cud'],
    );
  });
});
