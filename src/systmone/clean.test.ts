import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import {
  type LaunchApp,
  launchApp,
  launchWorld,
  OTHER_PATIENT,
  signedInTo,
} from '../../test/support/launch-app.ts';
import { connectBySigningIn, linkWriter, setUpLink } from '../../test/support/launch-link.ts';
import { cleanLaunches } from './launch-store.ts';

let db: TestDatabase;
let app: LaunchApp;

before(async () => {
  db = await testDatabase();
  await launchWorld(db.database);
  app = await launchApp(db.database);
});
after(async () => {
  await app?.app.close();
  await db?.stop();
});

const DAY = 86_400;
const count = async (table: string) =>
  Number((await db.database.owner.query(`select count(*) from ${table}`)).rows[0].count);
async function clean(afterSeconds: number) {
  app.later(afterSeconds);
  await cleanLaunches(db.database.service, app.clock.now);
}

it('launches leave nothing behind that has no use any more, and connected browsers stay connected', async () => {
  const { keyId } = await setUpLink(await signedInTo(app, 'cora@example.org'));
  const link = await linkWriter(app, db, keyId);
  const pat = app.client();
  await connectBySigningIn(pat, link(), 'pat@example.org');
  for (let click = 0; click < 3; click += 1) await pat.get(link());
  await app.client('192.0.2.1').get(link({ userName: 'nobody01', ...OTHER_PATIENT }));
  assert.equal(await count('launch_device'), 2);
  assert.equal(await count('launch_request'), 2);

  await clean(2 * 3600);
  assert.equal(await count('launch_use'), 1, 'whose browser a link belongs to');
  assert.equal(await count('launch_request'), 0);
  await clean(3 * 3600);
  assert.equal(await count('record_context'), 0);
  await clean(DAY);
  assert.equal(await count('launch_device'), 1, 'a browser that was never connected');

  await clean(61 * DAY);
  assert.ok((await count('launch_device_token')) <= 2, 'cookies used up long ago');
  assert.match(String((await pat.get(link())).headers.location), /^\/record/);
  assert.ok((await count('launch_event')) > 0);
  await clean(89 * DAY);
  assert.equal(await count('launch_use'), 1);
  await clean(2 * DAY);
  assert.equal(await count('launch_use'), 0);
  await clean(99 * DAY);
  assert.match(
    String((await pat.get(link())).headers.location),
    /^\/record/,
    'after half a year without a click',
  );
  assert.equal(await count('launch_event'), 1);
});
