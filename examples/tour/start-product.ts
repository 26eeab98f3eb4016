import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STOP_MS_MAX = 20_000;
const SERVER = join(import.meta.dirname, '../../src/server.ts');

/** The whole product with its demo world, in a process and a folder of its own; `settings` are further ones. */
export async function startProduct(settings: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'connected-systems-examples-'));
  const demoFile = join(folder, 'demo.json');
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [SERVER], {
    env: {
      PATH,
      HOME,
      DATA_DIR: join(folder, 'data'),
      DEMO_FILE: demoFile,
      PORT: '0',
      LOG_LEVEL: 'warn',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async () => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const baseUrl = await addressOf(child);
    return { baseUrl, demoFile, demo: JSON.parse(await readFile(demoFile, 'utf8')) as Demo, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export type Product = Awaited<ReturnType<typeof startProduct>>;

/** The parts of DEMO_FILE that the tour uses; docs/demo-world.md documents it. */
type Demo = {
  organisations: { name: string; odsCode: string; publicId: string }[];
  staff: { email: string; password: string; totpSecret?: string; role: string; organisation: string }[];
  systems: { name: string; clientId: string }[];
  patients: { nhsNumber: string; email?: string; password?: string }[];
};

async function addressOf(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const text of child.stdout!.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += text;
    const [, address] = /is at (http\S+)/.exec(said) ?? [];
    if (!address) continue;
    child.stdout!.resume();
    return address;
  }
  throw new Error(`The service did not start:\n${said}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await ended;
  clearTimeout(hard);
}
