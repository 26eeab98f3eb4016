/**
 * How long a professional waits from the click in SystmOne to the record, on the demo world: `node bench/launch.ts`.
 * Sixteen connected browsers at once (`--clients`), each launch a new session, patient after patient (`--launches` in
 * all). Exits 1 when the 95th percentile is above `--limit` milliseconds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { TOTP } from 'otpauth';
import type { DemoFile } from '../src/demo/demo-file.ts';
import { createProfile } from '../src/systmone/profiles/index.ts';
import { cpuSeconds } from './processes.ts';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '16' },
    launches: { type: 'string', default: '800' },
    limit: { type: 'string', default: '300' },
  },
});
const [clients, launches, limitMs] = [values.clients, values.launches, values.limit].map(Number) as [
  number,
  number,
  number,
];

const dataDir = mkdtempSync(join(tmpdir(), 'bench-launch-'));
const demoFile = join(dataDir, 'demo.json');
const server = await startDemo();
try {
  const { baseUrl, linkFor, patients, person } = readDemo();
  const browsers = [];
  const own = await signIn(baseUrl, person);
  for (let index = 0; index < clients; index += 1) {
    browsers.push(await connect(linkFor(`bench${index}`, patients[0]!), own));
  }
  await measure(Math.ceil(clients * 4), browsers, linkFor, patients);
  const before = cpuOfTree(server.pid!);
  const times = (await measure(launches, browsers, linkFor, patients)).sort((a, b) => a - b);
  const cpuMs = (1000 * (cpuOfTree(server.pid!) - before)) / launches;
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  console.log(
    `from launch to record, ${clients} browsers, ${times.length} launches: ` +
      `p50 ${at(0.5).toFixed(0)} ms, p95 ${at(0.95).toFixed(0)} ms, p99 ${at(0.99).toFixed(0)} ms, most ${at(1).toFixed(0)} ms; ` +
      `${cpuMs.toFixed(1)} ms of processor time each, service and database`,
  );
  process.exitCode = at(0.95) <= limitMs ? 0 : 1;
} finally {
  server.kill('SIGTERM');
  if (server.exitCode === null) await once(server, 'exit');
  rmSync(dataDir, { recursive: true, force: true });
}

/** Processor seconds of a process and those it started, where there is a /proc. */
function cpuOfTree(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
    return (cpuSeconds(pid) ?? 0) + children.reduce((sum, child) => sum + cpuOfTree(Number(child)), 0);
  } catch {
    return 0;
  }
}

async function startDemo() {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src/server.ts')], {
    env: {
      PATH,
      DATA_DIR: join(dataDir, 'data'),
      DEMO: 'true',
      DEMO_FILE: demoFile,
      LOG_LEVEL: 'warn',
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (/http:\/\//.test(line)) break;
  }
  child.stdout.resume();
  return child;
}

type Patient = { nhsNumber: string; birthDate: string };
type Person = { email: string; password: string; totpSecret?: string };
type Browser = ReturnType<typeof newBrowser>;

function readDemo() {
  const demo = JSON.parse(readFileSync(demoFile, 'utf8')) as DemoFile;
  const launch = demo.launches.find(({ profile }) => profile === 'aes-256-cbc/hex')!;
  const profile = createProfile({
    profile: 'fields',
    cipher: 'aes-256-cbc',
    encoding: 'hex',
    key: Buffer.from(launch.key, 'hex'),
    iv: Buffer.from(launch.iv, 'hex'),
    birthDate: true,
    role: false,
  });
  const linkFor = (userName: string, { nhsNumber, birthDate }: Patient) =>
    launch.urlPrefix.slice(0, -profile.prefix.length) +
    profile.encode({
      organisation: launch.practices[0]!,
      userName,
      nhsNumber,
      birthDate,
      role: null,
      notBefore: null,
      expires: null,
      serviceId: null,
    });
  return {
    baseUrl: demo.baseUrl,
    linkFor,
    patients: demo.patients.filter(({ organisations }) => organisations.includes(launch.organisation)),
    person: demo.staff.find(({ email }) => email === launch.paired.email)!,
  };
}

/** A browser of cookies alone. */
function newBrowser() {
  const cookies = new Map<string, string>();
  return {
    cookies,
    async send(url: string, form?: Record<string, string>) {
      const response = await fetch(url, {
        method: form ? 'POST' : 'GET',
        redirect: 'manual',
        headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') },
        ...(form && { body: new URLSearchParams(form) }),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        if (value) cookies.set(name, value);
        else cookies.delete(name);
      }
      const next = response.headers.get('location');
      return { status: response.status, body: await response.text(), next: next && new URL(next, url).href };
    },
  };
}

type Own = { browser: Browser; baseUrl: string };

function csrfOf(body: string) {
  return /name="_csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';
}

/** The person's own browser, in which they make the codes that connect the others. */
async function signIn(baseUrl: string, { email, password, totpSecret }: Person): Promise<Own> {
  const browser = newBrowser();
  const page = await browser.send(`${baseUrl}/sign-in`);
  const code = await browser.send(`${baseUrl}/sign-in`, { _csrf: csrfOf(page.body), email, password });
  const asked = await browser.send(code.next!);
  const answer = { _csrf: csrfOf(asked.body), code: new TOTP({ secret: totpSecret }).generate() };
  const done = await browser.send(`${baseUrl}/sign-in/code`, answer);
  if (done.status !== 303) throw new Error(`the code was answered ${done.status}`);
  return { browser, baseUrl };
}

async function connect(link: string, { browser: own, baseUrl }: Own): Promise<Browser> {
  const account = `${baseUrl}/account/systmone`;
  const made = await own.send(`${account}/codes`, { _csrf: csrfOf((await own.send(account)).body) });
  const shown = (id: string) => new RegExp(`id="${id}"[^>]*>([^<]+)<`).exec(made.body)?.[1] ?? '';
  const codes = { first: shown('first-code'), second: shown('second-code') };
  const browser = newBrowser();
  const page = (await browser.send(link)).next!;
  const { body } = await browser.send(page);
  const opened = await browser.send(`${page}/codes`, { _csrf: csrfOf(body), ...codes });
  if (!opened.next?.includes('/record')) throw new Error(`a browser was not connected: ${opened.status}`);
  return browser;
}

async function measure(
  count: number,
  browsers: Browser[],
  linkFor: (userName: string, patient: Patient) => string,
  patients: Patient[],
): Promise<number[]> {
  const times: number[] = [];
  let left = count;
  await Promise.all(
    browsers.map(async (browser, index) => {
      while (left-- > 0) {
        browser.cookies.delete('session');
        const link = linkFor(`bench${index}`, patients[left % patients.length]!);
        const began = performance.now();
        const { next } = await browser.send(link);
        const record = await browser.send(next!);
        times.push(performance.now() - began);
        if (record.status !== 200) throw new Error(`the record was answered ${record.status} at ${next}`);
      }
    }),
  );
  return times;
}
