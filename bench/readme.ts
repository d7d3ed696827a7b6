// Writes the tables of README.md and bench/README.md from bench/results/*.json. A test holds them together.
import { readFile, writeFile } from 'node:fs/promises';
import { drawChart } from './chart.js';
import type { LstmResult } from './lstm.js';
import {
  formatOrigin,
  formatQuestions,
  formatRoof,
  formatTable,
  type LstmResults,
  type QuestionsResults,
} from './table.js';

const root = new URL('../../', import.meta.url);
const lstm = await read<LstmResults>('lstm.json');
const questions = await read<QuestionsResults>('questions.json');
const heading = `${formatOrigin(lstm)} ${formatRoof(lstm.reports)}`;

await writeFile(new URL('bench/results/lstm.svg', root), drawChart(lstm));
await fill('README.md', `${heading}\n\n${formatTable(lstm.reports, isInSummary)}`);
await fill(
  'bench/README.md',
  `${heading}\n\n${formatTable(lstm.reports)}\n\n${formatOrigin(questions)}\n\n${formatQuestions(questions.report)}`,
);

async function read<Results>(name: string): Promise<Results> {
  return JSON.parse(await readFile(new URL(`bench/results/${name}`, root), 'utf8')) as Results;
}

/** The README shows one thread, dense and 8 blocks, of the sizes that people have. */
function isInSummary({ threads, blocks, hidden, steps, batch }: LstmResult): boolean {
  if (threads > 1 || (blocks !== 1 && blocks !== 8) || hidden === 128 || hidden === 2048) return false;
  return batch === 1 || steps === 100;
}

async function fill(name: string, text: string): Promise<void> {
  const file = new URL(name, root);
  const whole = await readFile(file, 'utf8');
  const filled = whole.replace(/(<!-- bench:begin -->\n)[\s\S]*(<!-- bench:end -->)/, `$1${text}\n$2`);
  await writeFile(file, filled);
}
