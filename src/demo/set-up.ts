import { join } from 'node:path';
import type { Context } from '../context.ts';
import { StartError } from '../database/start-error.ts';
import { writeDemoFile } from './demo-file.ts';
import { setUpDemoSignIn } from './identity-provider/set-up.ts';
import { setUpDemoLaunches } from './launches.ts';
import { findDemoWorld, hasDemoAccounts } from './load.ts';
import { loadDemoWorldAside } from './load-aside.ts';
import { recordPastCalls } from './record-past-calls.ts';
import { setUpSecondFactors } from './second-factors.ts';
import type { World } from './world.ts';

type Needs = Pick<Context, 'audit' | 'config' | 'database' | 'secrets' | 'now'>;

/**
 * The demo world where DEMO is on and the database is empty or holds one already; otherwise nothing.
 * @throws {StartError} in production when accounts of the demo world, whose passwords are known to all, are there.
 */
export async function setUpDemo(context: Needs): Promise<World | undefined> {
  const { audit, config, database, secrets, now } = context;
  if (config.production && (await hasDemoAccounts(database))) {
    const message = 'The database holds the demo accounts, whose passwords are public: use another database.';
    throw new StartError('DEMO_ACCOUNTS', message);
  }
  if (!config.demo) return undefined;
  const options = { today: now().toISOString().slice(0, 10) };
  const definitionsDirectory = join(config.dataDir, 'definitions');
  const loaded =
    (await findDemoWorld(database, options)) ??
    (await loadDemoWorldAside({ database, secrets, definitionsDirectory }, options));
  if (loaded.outcome === 'not-empty') return undefined;
  if (loaded.outcome === 'loaded') await recordPastCalls(audit, secrets, loaded.world);
  await setUpDemoLaunches(context, loaded.world);
  await setUpSecondFactors(context, loaded.world);
  return loaded.world;
}

/** Tells scripts (DEMO_FILE) and people (the text returned) how to get in. */
export async function announceDemo(world: World, context: Needs & Pick<Context, 'baseUrl'>): Promise<string> {
  const { demoFile } = context.config;
  const baseUrl = context.baseUrl();
  await setUpDemoSignIn(context, world, baseUrl);
  if (demoFile) await writeDemoFile(demoFile, world, baseUrl);
  return DEMO_ROLES.flatMap((role) => {
    const person = world.staff.find(({ roles }) => roles.some((held) => held.role === role));
    if (!person) return [];
    const code = person.totpSecret ? `, code from ${person.totpSecret}` : '';
    return [`${role}: ${person.email} / ${person.password}${code}`];
  }).join('; ');
}

const DEMO_ROLES = ['administrator', 'coordinator', 'professional'] as const;
