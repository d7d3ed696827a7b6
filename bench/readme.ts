// Writes the tables of README.md and bench/README.md from bench/results/lstm.json. A test holds them together.
import { readFile, writeFile } from 'node:fs/promises';
import type { LstmResult } from './lstm.js';
import { formatHeading, formatQuestions, formatTable, type Results } from './table.js';

const root = new URL('../../', import.meta.url);
const results = JSON.parse(await readFile(new URL('bench/results/lstm.json', root), 'utf8')) as Results;

await fill('README.md', `${formatHeading(results)}\n\n${formatTable(results, isInSummary)}`);
await fill(
  'bench/README.md',
  `${formatHeading(results)}\n\n${formatTable(results)}

${formatQuestions(results)}`,
);

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
