// npm run bench: measures, prints, and writes bench/results/*.json. See usage.
import { spawn } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LstmReport } from './lstm.js';
import { describeOrigin } from './origin.js';
import type { QuestionsReport } from './questions.js';
import { formatQuestions, formatTable, type LstmResults, type QuestionsResults } from './table.js';

const usage = `npm run bench [-- lstm | questions] [-- options]
  lstm            one layer against onnxruntime, every size and structure
  questions       structure, a step's profile, threads, start, memory
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

async function keep(name: string, results: object): Promise<void> {
  const folder = new URL('../../bench/results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const beside = new URL(`${name}.part`, folder);
  await writeFile(beside, `${JSON.stringify(results, round, 1)}\n`);
  await rename(beside, new URL(name, folder));
}

/** Every measurement has a process of its own: onnxruntime-web takes its number of threads once. */
function measure<Report>(script: string, ...args: number[]): Promise<Report> {
  const isNode20 = Number(process.versions.node.split('.')[0]) < 22;
  const flags = isNode20 ? ['--experimental-wasm-relaxed-simd'] : [];
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [...flags, path, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as Report);
      else reject(new Error(`${script} ${args.join(' ')} ended with code ${code}`));
    });
  });
}

function round(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
