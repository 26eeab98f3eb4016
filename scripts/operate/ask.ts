import { createInterface } from 'node:readline';

/** Whether whoever gave the command wants it, having read what it will do. */
export type Ask = (question: string) => Promise<boolean>;

/** Asks on the terminal; null when there is none, and nobody to ask. Anything but "yes" is no. */
export function terminalAsk(
  input: NodeJS.ReadableStream & { isTTY?: boolean } = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Ask | null {
  if (!input.isTTY) return null;
  return (question) =>
    new Promise((resolve) => {
      const lines = createInterface({ input, output });
      // Ctrl-C and Ctrl-D close it unanswered.
      lines.once('close', () => resolve(false));
      lines.question(`${question}\nType yes to go on: `, (answer) => {
        resolve(answer.trim().toLowerCase() === 'yes');
        lines.close();
      });
    });
}
