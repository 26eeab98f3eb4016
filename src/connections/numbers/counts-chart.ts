import { valueTicks } from '../../web/index.ts';

const WIDTH = 560;
const HEIGHT = 240;
const FRAME = { left: 60, right: 548, top: 38, bottom: 206 };
const LEGEND_ROW = 24;
const LABELS_MAX = 5;

export type Line = { name: string; counts: readonly number[] };

/**
 * Counts over time in the form that the chart of `web/parts/chart.njk` draws: up to three lines over the same steps.
 * Null when there is nothing to draw. The page has the same counts as a table.
 */
export function countsChart(title: string, steps: readonly string[], lines: readonly Line[]) {
  if (lines.every(({ counts }) => counts.every((count) => count === 0))) return null;
  const ticks = valueTicks([0, ...lines.flatMap(({ counts }) => counts)]);
  const top = ticks.at(-1)!;
  const x = (n: number) => round(FRAME.left + (n / (steps.length - 1)) * (FRAME.right - FRAME.left));
  const y = (count: number) => round(FRAME.bottom - (count / top) * (FRAME.bottom - FRAME.top));
  const every = Math.ceil(steps.length / LABELS_MAX);
  return {
    width: WIDTH,
    height: HEIGHT + lines.length * LEGEND_ROW,
    title,
    description: lines.map(inWords).join(' '),
    unit: '',
    frame: FRAME,
    values: ticks.map((tick) => ({ y: y(tick), text: String(tick) })),
    times: steps.flatMap((step, n) =>
      n % every === 0 ? [{ x: x(n), text: dayInWords(step), anchor: n === 0 ? 'start' : 'middle' }] : [],
    ),
    expected: null,
    lines: lines.map(({ name, counts }, style) => ({
      name,
      style,
      path: counts.map((count, n) => `${n === 0 ? 'M' : 'L'}${x(n)} ${y(count)}`).join(' '),
      points: counts.map((count, n) => ({
        x: x(n),
        y: y(count),
        bounded: false,
        text: `${dayInWords(steps[n]!)}: ${name}, ${count}`,
      })),
      legendY: HEIGHT + 8 + style * LEGEND_ROW,
    })),
    leftOut: 0,
  };
}

function inWords({ name, counts }: Line): string {
  const sum = counts.reduce((all, count) => all + count, 0);
  return `${name}: ${sum} in all, at most ${Math.max(...counts)} in one step, ${counts.at(-1)} in the last.`;
}

const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const dayInWords = (day: string): string => dayMonth.format(new Date(day));
const round = (value: number): number => Math.round(value * 10) / 10;
