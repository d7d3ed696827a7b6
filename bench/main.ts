// npm run bench [-- --quick] [-- --threads 1,2]: measures, prints, and writes bench/results/lstm.json.
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LstmReport } from './lstm.js';
import { formatTable, type Results } from './table.js';

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
};
for (const threads of values.threads.split(',').map(Number)) {
  results.reports.push(await measureLstm(threads, values.quick ? 60 : 300));
}
process.stdout.write(`\n${results.machine}; ${results.runtime}\n\n${formatTable(results)}\n`);
if (!values.quick) {
  const folder = new URL('../../bench/results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const beside = new URL('lstm.json.part', folder);
  await writeFile(beside, `${JSON.stringify(results, round, 1)}\n`);
  await rename(beside, new URL('lstm.json', folder));
}

/** A process of its own for each number of threads: onnxruntime-web takes that number once. */
function measureLstm(threads: number, budget: number): Promise<LstmReport> {
  const isNode20 = Number(process.versions.node.split('.')[0]) < 22;
  const flags = isNode20 ? ['--experimental-wasm-relaxed-simd'] : [];
  const script = fileURLToPath(new URL('./lstm.js', import.meta.url));
  const child = spawn(process.execPath, [...flags, script, String(threads), String(budget)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as LstmReport);
      else reject(new Error(`the benchmark with ${threads} threads ended with code ${code}`));
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
