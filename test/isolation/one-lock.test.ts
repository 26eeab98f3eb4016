import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { decide, type Model, visible } from './model.ts';
import { prove } from './prove.ts';
import { type Service, startService } from './service.ts';
import type { Type } from './world-spec.ts';

/*
 * The purview is held by each statement's predicate and by row-level security. In random worlds, each is taken away in
 * turn: what is left must say the same as the model.
 */

const worlds = Number(process.env.ISOLATION_WORLDS ?? 24);
const seed = Number(process.env.ISOLATION_SEED ?? Date.now() % 2 ** 31);
const TYPES: Type[] = ['Patient', 'Observation', 'Condition', 'Consent', 'Location'];

test('with the predicates alone, every answer is what the rules say', async (t) => {
  t.diagnostic(`seed ${seed}`);
  await withService(async (service) => {
    for (const table of ['resource', 'resource_version', 'registration', 'patient']) {
      await service.owner.query(`alter table ${table} disable row level security`);
    }
    await prove(service, { seed, worlds });
    // It was off indeed: without any decision, everything is there.
    const { rows } = await service.context.database.service.query(
      'select count(*)::integer as n from resource',
    );
    assert.ok(rows[0].n > worlds);
  });
});

test('with row-level security alone, a statement that names no condition sees what the rules say', async (t) => {
  t.diagnostic(`seed ${seed}`);
  await withService(async (service) => {
    let compared = 0;
    await prove(service, {
      seed,
      worlds,
      async atEnd(model) {
        for (const { secret } of model.tokens) {
          for (const { id } of model.organisations) {
            for (const type of TYPES) {
              const seen = await seenWithoutPredicate(service, secret, id, type);
              assert.deepEqual(seen, seenByRule(model, secret, id, type));
              compared += 1;
            }
          }
        }
      },
    });
    assert.ok(compared >= worlds);
    t.diagnostic(`${compared} views compared`);
  });
});

/** Everything in the table, as the service's role, in the statement of a decision to search a type. */
async function seenWithoutPredicate(service: Service, secret: string, organisation: string, type: Type) {
  const { rows } = await service.context.database.service.query(
    `select d.outcome, r.id from decide($1, $2, $3) d left join lateral (select * from resource offset 0) r on true`,
    [createHash('sha256').update(secret).digest(), organisation, [`${type}.s`, '*.s']],
  );
  return { outcome: rows[0].outcome, ids: rows.flatMap(({ id }) => id ?? []).sort() };
}

/** The same by the rules. Row-level security knows no types: which may be asked for is the decision's. */
function seenByRule(model: Model, secret: string, organisation: string, type: Type) {
  const decision = decide(model, secret, organisation, [{ type, letter: 's' }]);
  if ('refused' in decision) return { outcome: decision.refused, ids: [] };
  const ids = TYPES.flatMap((one) => visible(model, decision.connection, one).map(({ id }) => id));
  return { outcome: 'allowed', ids: ids.sort() };
}

async function withService(act: (service: Service) => Promise<void>) {
  const service = await startService();
  try {
    await act(service);
  } finally {
    await service.stop();
  }
}
