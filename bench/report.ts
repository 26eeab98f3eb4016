import type { TurnResult } from './load-process.ts';
import { type PathName, TARGETS, TITLES } from './paths.ts';

type TurnMeasured = TurnResult & { serverCpuS: number; databaseCpuS: number };

/** The turns of both servers, in the order in which they were run. */
export type Measured = { path: PathName; clients: number; bare: TurnMeasured[]; product: TurnMeasured[] };

type Facts = { resources: number; start?: number; end?: number; peak?: number };

/**
 * Prints rates, the ratio that counts, times of answers and what a request costs in processor time, which other work on
 * the machine changes least.
 */
export function print(measured: readonly Measured[], { resources, start, end, peak }: Facts): void {
  const head = ['path', 'clients', 'bare/s', 'product/s', 'ratio', 'target', 'p50 ms', 'p99 ms'];
  const cost = ['bare µs', '+ database', 'product µs', '+ database'];
  const rows = measured.map(({ path, clients, bare, product }) => {
    const times = sorted(product);
    return [
      TITLES[path],
      String(clients),
      String(Math.round(rateOf(bare))),
      String(Math.round(rateOf(product))),
      ratioOf(bare, product).toFixed(2),
      clients === 64 ? String(TARGETS[path] ?? '') : clients === 16 ? 'p99 < 40' : '',
      at(times, 0.5).toFixed(1),
      at(times, 0.99).toFixed(1),
      ...[bare, product].flatMap((turns) => [
        micros(turns, 'serverCpuS').toFixed(0),
        micros(turns, 'databaseCpuS').toFixed(0),
      ]),
    ];
  });
  console.log(`\n${resources} resources. Ratio: median over the rounds of product to bare.`);
  console.log('Right of the times: processor time for a request, of the server and of PostgreSQL.\n');
  console.log(table([[...head, ...cost], ...rows]));
  if (end !== undefined) {
    const mb = (value?: number) => `${value?.toFixed(0)} MB`;
    console.log(
      `\nMemory of the product (target 300 MB): ${mb(start)} started, ${mb(end)} at the end, ${mb(peak)} at most`,
    );
  }
}

const rateOf = (turns: readonly TurnMeasured[]) => count(turns) / total(turns, 'seconds');

function ratioOf(bare: readonly TurnMeasured[], product: readonly TurnMeasured[]): number {
  const ratios = product.map((turn, round) => rateOf([turn]) / rateOf([bare[round]!]));
  return at(
    ratios.sort((a, b) => a - b),
    0.5,
  );
}

const micros = (turns: readonly TurnMeasured[], of: 'serverCpuS' | 'databaseCpuS') =>
  (total(turns, of) / count(turns)) * 1e6;

const count = (turns: readonly TurnMeasured[]) =>
  turns.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0);

const total = (turns: readonly TurnMeasured[], of: 'seconds' | 'serverCpuS' | 'databaseCpuS') =>
  turns.reduce((sum, turn) => sum + turn[of], 0);

const sorted = (turns: readonly TurnMeasured[]) =>
  Float64Array.from(turns.flatMap(({ latenciesMs }) => [...latenciesMs])).sort();

const at = (values: ArrayLike<number>, quantile: number) =>
  values[Math.min(values.length - 1, Math.floor(values.length * quantile))] ?? Number.NaN;

function table(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n');
}
