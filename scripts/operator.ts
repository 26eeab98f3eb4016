import { terminalAsk } from './operate/ask.ts';
import { runOperator } from './operate/run-operator.ts';

const { code, text } = await runOperator(process.argv.slice(2), process.env, terminalAsk());
(code === 0 ? console.log : console.error)(text);
process.exitCode = code;
