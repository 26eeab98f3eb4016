import { valueTicks } from '../../web/index.ts';
import type { ResultView } from '../views/observation.ts';
import { type TimeTick, timeTicks } from './time-axis.ts';

/*
 * What a chart of one measure consists of, in the coordinates of its SVG. The template draws it and escapes its texts;
 * beside it stands the table of the same results, so the drawing holds nothing that cannot be read.
 */

export type LineChart = {
  width: number;
  height: number;
  /** For <title> and <desc>: what is drawn, and what it shows, in words. */
  title: string;
  description: string;
  unit: string;
  frame: { left: number; right: number; top: number; bottom: number };
  values: { y: number; text: string }[];
  times: { x: number; text: string; anchor: 'start' | 'middle' | 'end' }[];
  /** What the laboratory expects, when that is the same for the last results. */
  expected: { y: number; height: number } | null;
  lines: ChartLine[];
  /** Results that could not be drawn: without a number or a date, or in another unit. */
  leftOut: number;
};

type ChartLine = {
  name: string;
  /** Lines differ by their dashes and marks, not by colour alone. */
  style: number;
  path: string;
  points: { x: number; y: number; bounded: boolean; text: string }[];
  /** How far down the line's name is written, below the chart; null for the only line, which needs none. */
  legendY: number | null;
};

const WIDTH = 460;
const HEIGHT = 240;
const FRAME = { left: 52, right: 448, top: 38, bottom: 206 };
const LEGEND_ROW = 24;
const LINES_MAX = 3;

/** The chart of these results, newest first as they are listed; null when fewer than two can be drawn. */
export function lineChart(name: string, results: readonly ResultView[]): LineChart | null {
  const drawn = drawable(results);
  if (!drawn) return null;
  const { unit, parts, points } = drawn;
  const all = points.map(({ value }) => value);
  const expected = expectedRange(points, parts);
  const ticks = valueTicks([
    ...all,
    ...(expected ? [expected.low, expected.high].filter((n) => n !== null) : []),
  ]);
  const [bottom = 0, top = 1] = [ticks[0], ticks.at(-1)];
  const times = points.map(({ time }) => time);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const y = (value: number) =>
    round(FRAME.bottom - ((value - bottom) / (top - bottom)) * (FRAME.bottom - FRAME.top));
  const x = (time: number) => round(FRAME.left + ((time - from) / (to - from)) * (FRAME.right - FRAME.left));

  const lines = parts.map((part, style) => {
    const own = points.filter((point) => point.part === part).sort((a, b) => a.time - b.time);
    const at = own.map((point) => ({
      x: x(point.time),
      y: y(point.value),
      bounded: point.bounded,
      text: `${point.when}: ${part ? `${part}, ` : ''}${point.text}`,
    }));
    return {
      name: part,
      style,
      path: at.map((point, n) => `${n === 0 ? 'M' : 'L'}${point.x} ${point.y}`).join(' '),
      points: at,
      legendY: part ? HEIGHT + 8 + style * LEGEND_ROW : null,
    };
  });

  const spanned = new Set(points.map(({ when }) => when)).size;
  const newest = points.reduce((latest, point) => (point.time > latest.time ? point : latest));
  const oldest = points.reduce((first, point) => (point.time < first.time ? point : first));
  return {
    width: WIDTH,
    height: HEIGHT + lines.filter(({ legendY }) => legendY !== null).length * LEGEND_ROW,
    title: `Chart of ${name}`,
    description: `${spanned} results from ${oldest.when} to ${newest.when}. ${parts.map((part) => lineInWords(part, points, unit)).join(' ')}`,
    unit,
    frame: FRAME,
    values: ticks.map((tick) => ({ y: y(tick), text: String(tick) })),
    times: timeTicks(from, to).map((tick) => placed(tick, x(tick.time))),
    expected: expected && band(expected, y, bottom, top),
    lines,
    leftOut: results.length - new Set(points.map(({ result }) => result)).size,
  };
}

type Point = {
  result: ResultView;
  part: string;
  value: number;
  time: number;
  when: string;
  text: string;
  bounded: boolean;
  low: number | null;
  high: number | null;
};

/** Points that can share one axis: of the unit that most have, on two days or more. */
function drawable(results: readonly ResultView[]): { unit: string; parts: string[]; points: Point[] } | null {
  const points = results.flatMap((result) =>
    result.time === null
      ? []
      : result.numbers.map(({ unit, ...number }) => ({
          ...number,
          unit,
          result,
          time: result.time!,
          when: result.when,
          text: number.part ? [number.value, unit].filter((one) => one !== '').join(' ') : result.value,
        })),
  );
  const unit = mostCommon(points.map((point) => point.unit));
  const ofUnit = points.filter((point) => point.unit === unit);
  const parts = [...new Set(ofUnit.map(({ part }) => part))].slice(0, LINES_MAX);
  const shown = ofUnit.filter(({ part }) => parts.includes(part));
  if (new Set(shown.map(({ time }) => time)).size < 2) return null;
  return { unit: unit!, parts, points: shown };
}

function mostCommon(texts: string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** The newest result's reference range, for a single line: with two it would be nobody's. */
function expectedRange(points: Point[], parts: string[]): { low: number | null; high: number | null } | null {
  if (parts.length > 1) return null;
  const { low, high } = points.reduce((latest, point) => (point.time > latest.time ? point : latest));
  return low === null && high === null ? null : { low, high };
}

function band(
  { low, high }: { low: number | null; high: number | null },
  y: (value: number) => number,
  bottom: number,
  top: number,
) {
  const above = y(Math.min(high ?? top, top));
  return { y: above, height: round(y(Math.max(low ?? bottom, bottom)) - above) };
}

function lineInWords(part: string, points: Point[], unit: string): string {
  const own = points.filter((point) => point.part === part);
  const values = own.map(({ value }) => value);
  const newest = own.reduce((latest, point) => (point.time > latest.time ? point : latest));
  const said = (value: number) => [value, unit].filter((one) => one !== '').join(' ');
  const latest = part ? said(newest.value) : newest.text;
  return `${part ? `${part}: lowest` : 'Lowest'} ${said(Math.min(...values))}, highest ${said(Math.max(...values))}, latest ${latest}.`;
}

/** Texts at the edges stay within the drawing. */
function placed({ text }: TimeTick, x: number) {
  const anchor =
    x < FRAME.left + 30 ? ('start' as const) : x > FRAME.right - 30 ? ('end' as const) : ('middle' as const);
  return { x, text, anchor };
}

const round = (value: number): number => Math.round(value * 10) / 10;
