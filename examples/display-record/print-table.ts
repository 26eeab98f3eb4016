const GAP = '  ';
const LEAST_WIDTH = 8;

/** A table of plain text, at most `width` characters wide where its words allow; long cells go on in the next line. */
export function printTable(columns: string[], rows: string[][], width: number): string {
  const cells = [columns, ...rows].map((row) => row.map(clean));
  const widths = fit(
    columns.map((_, column) => Math.max(...cells.map((row) => row[column]!.length))),
    width - GAP.length * columns.length,
  );
  const rule = widths.map((size) => '-'.repeat(size));
  const [head, ...body] = cells.map((row) => lines(row, widths));
  return [...head!, lines(rule, widths)[0]!, ...body.flat()].join('\n');
}

/** Takes from the widest columns until all fit. */
function fit(wanted: number[], width: number): number[] {
  const widths = [...wanted];
  for (let over = sum(widths) - width; over > 0; over--) {
    const widest = Math.max(...widths);
    if (widest <= LEAST_WIDTH) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
}

function lines(row: string[], widths: number[]): string[] {
  const wrapped = row.map((cell, column) => wrap(cell, widths[column]!));
  const height = Math.max(...wrapped.map((parts) => parts.length));
  return Array.from({ length: height }, (_, line) =>
    (GAP + wrapped.map((parts, column) => (parts[line] ?? '').padEnd(widths[column]!)).join(GAP)).trimEnd(),
  );
}

function wrap(text: string, width: number): string[] {
  const parts: string[] = [''];
  for (const word of text
    .split(' ')
    .flatMap((long) => long.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''])) {
    const line = parts.at(-1)!;
    if (line === '') parts[parts.length - 1] = word;
    else if (line.length + 1 + word.length <= width) parts[parts.length - 1] = `${line} ${word}`;
    else parts.push(word);
  }
  return parts;
}

/** Text from a record must not move the cursor or colour the terminal. */
const clean = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
