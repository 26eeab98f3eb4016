import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { BenchDatabase } from './database.ts';
import { cpuSeconds, databaseCpuSeconds } from './processes.ts';

export type Server = { pid: number; base: string };
export type Turn = { rate: number; cpuMs: number; times: number[] };
type Load = { seconds: number; clients: number; postmasterPid: number };

/** Keeps a server busy for a while with requests that `body` gives, one after another for each client. */
export async function turn(
  server: Server,
  { operation, body, type }: { operation: string; body: () => string; type?: string },
  token: string,
  { seconds, clients, postmasterPid }: Load,
): Promise<Turn> {
  const ends = performance.now() + seconds * 1000;
  const before = cpuOf(server.pid, postmasterPid);
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < ends) {
        const sent = body();
        const began = performance.now();
        await post(`${server.base}/${operation}`, sent, token, type);
        times.push(performance.now() - began);
      }
    }),
  );
  const cpuMs = (cpuSince(before, server.pid, postmasterPid) * 1000) / times.length;
  return { rate: times.length / seconds, cpuMs, times };
}

export async function post(
  url: string,
  body: string,
  token: string,
  type = 'application/fhir+json',
): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text.slice(0, 300)}`);
  return text;
}

/** The median of the rounds' ratios: a round in which others took the machine counts no more than another. */
export function report(
  operation: string,
  size: number,
  { bare, product }: { bare: Turn[]; product: Turn[] },
): void {
  const ratio = median(product.map(({ rate }, at) => rate / bare[at]!.rate));
  const cpu = median(product.map(({ cpuMs }, at) => bare[at]!.cpuMs / cpuMs));
  const times = product.flatMap((one) => one.times).sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1);
  const cells = [
    operation.replace(/^.*\//, '').padEnd(30),
    String(size).padStart(6),
    median(bare.map(({ rate }) => rate))
      .toFixed(1)
      .padStart(8),
    median(product.map(({ rate }) => rate))
      .toFixed(1)
      .padStart(10),
    ratio.toFixed(2).padStart(6),
    cpu.toFixed(2).padStart(10),
    `${median(bare.map(({ cpuMs }) => cpuMs)).toFixed(1)} / ${median(product.map(({ cpuMs }) => cpuMs)).toFixed(1)} ms`.padStart(
      18,
    ),
    `${at(0.5)} ms`.padStart(12),
    `${at(0.99)} ms`,
  ];
  console.log(cells.join(' '));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Processor seconds of a server and of each process of the database. */
export function cpuOf(pid: number, postmasterPid: number): Map<number, number> {
  return new Map(databaseCpuSeconds(postmasterPid)).set(pid, cpuSeconds(pid) ?? Number.NaN);
}

/** Since `before`, process by process: what one that ended had used must not be taken off the others. */
export function cpuSince(before: ReadonlyMap<number, number>, pid: number, postmasterPid: number): number {
  return [...cpuOf(pid, postmasterPid)].reduce(
    (sum, [one, seconds]) => sum + seconds - (before.get(one) ?? 0),
    0,
  );
}

/** What the operations are measured against (operations-bare.ts). */
export async function startBare({ url, loaded }: BenchDatabase) {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'operations-bare.ts')], {
    env: { PATH: process.env.PATH, DATABASE_URL: url, ORGANISATION_ID: loaded.organisationId },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as Readable });
  const [origin] = (await once(lines, 'line')) as [string];
  return {
    origin,
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
