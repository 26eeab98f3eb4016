import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { prove } from './prove.ts';
import { type Service, startService } from './service.ts';

/** ISOLATION_WORLDS makes it longer (80 are some 5,000 requests), ISOLATION_SEED repeats a run. */
const worlds = Number(process.env.ISOLATION_WORLDS ?? 80);
const seed = Number(process.env.ISOLATION_SEED ?? Date.now() % 2 ** 31);

let service: Service;
before(async () => {
  service = await startService();
});
after(() => service.stop());

test('whatever any system asks in any world, the answer is what the rules say, and is recorded once', async (t) => {
  t.diagnostic(`seed ${seed}, worlds ${worlds}`);
  const { counts: all } = await prove(service, { seed, worlds });
  const counts = [...all]
    .sort()
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
  t.diagnostic(`requests ${service.sent()}; answers: ${counts}`);
  assert.equal(await service.auditRecords(), service.sent());
});
