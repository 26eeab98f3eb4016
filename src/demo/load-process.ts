import pg from 'pg';
import { types } from '../database/types.ts';
import { openDefinitions } from '../fhir/definitions/open-definitions.ts';
import { loadDemoWorld } from './load.ts';
import type { LoadAnswer, LoadJob } from './load-aside.ts';

// Started by load-aside.ts, which sends one job and waits for one answer. Without it there is nothing to do: what
// this process has begun is rolled back.
process.once('disconnect', () => process.exit());
process.once('message', async (job) => {
  process.send!(await answer(job as LoadJob), () => process.disconnect());
});

async function answer({
  connection,
  pepper,
  encryptionKey,
  definitionsDirectory,
  options,
}: LoadJob): Promise<LoadAnswer> {
  const owner = new pg.Pool({ ...connection, types, max: 1, application_name: 'connected-systems demo' });
  try {
    const definitions = await openDefinitions(definitionsDirectory);
    const secrets = { pepper: Buffer.from(pepper), encryptionKey: Buffer.from(encryptionKey) };
    const loaded = await loadDemoWorld({ database: { owner }, secrets, definitions }, options);
    return { outcome: loaded.outcome, ...('world' in loaded && { today: loaded.world.today }) };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  } finally {
    await owner.end();
  }
}
