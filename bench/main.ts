// npm run bench: measures, prints, and writes bench/results/*.json. See usage.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { LstmReport } from './lstm.js';
import { describeOrigin } from './origin.js';
import type { QuestionsReport } from './questions.js';
import { keep, measure } from './report.js';
import { formatQuestions, formatTable, type LstmResults, type QuestionsResults } from './table.js';

const usage = `npm run bench [-- lstm | questions] [-- options]
  lstm            one layer against onnxruntime, every size and structure
  questions       frames, structure, strips, cells, a step's profile, threads, start, memory
  --threads 1,2   numbers of threads for lstm (default 1,2)
  --quick         a fifth of the time, for a first look; writes no results
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '1,2' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const budget = values.quick ? 60 : 300;
const isWanted = (name: string) => positionals.length === 0 || positionals.includes(name);

// Every measurement has a process of its own: onnxruntime-web takes its number of threads once.
const origin = describeOrigin();
process.stdout.write(`${origin.machine}; ${origin.runtime}\n\n`);
if (isWanted('lstm')) {
  const reports: LstmResults = [];
  for (const threads of values.threads.split(',').map(Number)) {
    reports.push({ ...origin, ...(await measure<LstmReport>('lstm.js', threads, budget)) });
  }
  process.stdout.write(`${formatTable(reports)}\n\n`);
  if (!values.quick) await keep('lstm.json', await withOthers(reports));
}
if (isWanted('questions')) {
  const report = await measure<QuestionsReport>('questions.js', budget);
  process.stdout.write(`${formatQuestions(report)}\n`);
  if (!values.quick) await keep('questions.json', { ...origin, report } satisfies QuestionsResults);
}

/** Together with what was measured before with other numbers of threads. */
async function withOthers(reports: LstmResults): Promise<LstmResults> {
  const text = await readFile(new URL('../../bench/results/lstm.json', import.meta.url), 'utf8').catch(
    () => '[]',
  );
  const others = (JSON.parse(text) as LstmResults).filter(
    ({ threads }) => !reports.some((report) => report.threads === threads),
  );
  return [...others, ...reports].sort((a, b) => a.threads - b.threads);
}
