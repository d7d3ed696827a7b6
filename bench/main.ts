// npm run bench [-- --quick] [-- --threads 1,2]: measures, prints, and writes bench/results/lstm.json.
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LstmReport } from './lstm.js';
import type { QuestionsReport } from './questions.js';
import { formatQuestions, formatTable, type Results } from './table.js';

const usage = `npm run bench [-- options]
  --threads 1,2   numbers of threads to measure with (default 1,2)
  --quick         a fifth of the time, for a first look; writes no results
`;

const { values } = parseArgs({
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

const results: Results = {
  machine: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores`,
  runtime: `Node ${process.versions.node}, V8 ${process.versions.v8}`,
  commit: commit(),
  date: new Date().toISOString().slice(0, 10),
  reports: [],
  questions: undefined,
};
for (const threads of values.threads.split(',').map(Number)) {
  results.reports.push(await measure<LstmReport>('lstm.js', threads, values.quick ? 60 : 300));
}
results.questions = await measure<QuestionsReport>('questions.js', values.quick ? 60 : 300);
process.stdout.write(
  `\n${results.machine}; ${results.runtime}\n\n${formatTable(results)}\n\n${formatQuestions(results)}\n`,
);
if (!values.quick) {
  const folder = new URL('../../bench/results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const beside = new URL('lstm.json.part', folder);
  await writeFile(beside, `${JSON.stringify(results, round, 1)}\n`);
  await rename(beside, new URL('lstm.json', folder));
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

function commit(): string {
  try {
    const hash = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
    const changed = execFileSync('git', ['status', '--porcelain', 'src', 'assembly'], { encoding: 'utf8' });
    return changed === '' ? hash : `${hash} with changes`;
  } catch {
    return 'unknown';
  }
}

function round(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
