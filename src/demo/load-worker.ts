import { parentPort, workerData } from 'node:worker_threads';
import pg from 'pg';
import { types } from '../database/types.ts';
import { openDefinitions } from '../fhir/definitions/open-definitions.ts';
import { loadDemoWorld } from './load.ts';
import type { LoadJob, LoadResult } from './load-aside.ts';

const { connection, pepper, encryptionKey, definitionsDirectory, options } = workerData as LoadJob;
const owner = new pg.Pool({ ...connection, types, max: 1, application_name: 'connected-systems demo' });
try {
  const loaded = await loadDemoWorld(
    {
      database: { owner },
      secrets: { pepper: Buffer.from(pepper), encryptionKey: Buffer.from(encryptionKey) },
      definitions: await openDefinitions(definitionsDirectory),
    },
    options,
  );
  const result: LoadResult = {
    outcome: loaded.outcome,
    ...('world' in loaded && { today: loaded.world.today }),
  };
  parentPort!.postMessage(result);
} finally {
  await owner.end();
}
