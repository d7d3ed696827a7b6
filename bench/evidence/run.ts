// npm run evidence:TASK: trains every network of a task and writes bench/results/evidence/TASK/*.json. See usage.
import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import type { KernelSet } from '#dist/wasm/features.js';
import { Bar, formatSeconds } from './bar.js';
import { executeRun } from './execute.js';
import { readIfThere, replaceFile } from './keep.js';
import { listRuns, nameRun, type Result, type Run } from './results.js';
import { buildSpec, countMultiplyAdds, structures } from './sizes.js';
import { MissingData, type OpenTask, type Settings, type Task } from './task.js';
import { tasks } from './tasks.js';

const usage = `npm run evidence:TASK [-- options]   TASK: ${tasks.map(({ name }) => name).join(', ')}
  --data DIR          another folder with the same files; if it has another name, the results are called TASK@NAME
  --structures a,b    of ${structures.join(', ')}
  --seeds n           seeds 1..n, in place of the task's own number
  --groups a,b        some of the task's ways to split the data
  --epochs n          in place of the task's own number
  --threads n         default: as many as there are cores
  --kernels k         auto (default), simd or relaxed
  --hours h           stop after so long; the same command goes on
  --quick             one seed, one fold, one short epoch, for a first look; the results go to build/evidence/quick
`;

/** ms without a line about an epoch: short ones would fill the screen. */
const quietFor = 20_000;
const root = new URL('../../../', import.meta.url);
// Node 20 has relaxed SIMD behind a flag; later versions have it without, and do not know the flag.
if (Number(process.versions.node.split('.')[0]) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');
await main().catch((error: Error) => {
  const isExpected = error instanceof MissingData || error instanceof RangeError;
  process.stderr.write(`${isExpected ? error.message : error.stack}\n`);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ data: { type: 'string' }, structures: { type: 'string' }, seeds: { type: 'string' } },
      ...{ groups: { type: 'string' }, epochs: { type: 'string' }, threads: { type: 'string' } },
      ...{ kernels: { type: 'string' }, hours: { type: 'string' } },
      ...{ quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    },
  });
  const task = tasks.find(({ name }) => name === positionals[0]);
  if (values.help || task === undefined || positionals.length !== 1) {
    process.stdout.write(usage);
    if (!values.help) process.exitCode = 2;
    return;
  }
  const { quick } = values;
  const settings: Settings = { ...task.settings };
  if (quick) settings.epochs = 1;
  if (values.epochs !== undefined) settings.epochs = whole(values.epochs, '--epochs');
  const wanted = pick(values.structures, task.structures, structures, '--structures');
  const names = task.groups.map(({ name }) => name);
  const groups = pick(values.groups, names, names, '--groups');
  const runs = task.groups
    .filter(({ name }) => groups.includes(name))
    .flatMap((group) => {
      const seeds = quick ? 1 : values.seeds === undefined ? group.seeds : whole(values.seeds, '--seeds');
      return listRuns(group, wanted, seeds).filter(({ fold }) => !quick || fold === group.folds[0]);
    });
  const folder =
    values.data === undefined
      ? new URL(`../shared/data/${task.folder}/`, root)
      : pathToFileURL(`${resolve(values.data)}/`);
  const own = basename(folder.pathname);
  const place = own === task.folder ? task.name : `${task.name}@${own}`;
  const hours = values.hours === undefined ? Number.POSITIVE_INFINITY : Number(values.hours);
  if (!(hours > 0)) throw new RangeError('--hours must be a number above 0.');
  await runAll(task, await open(task, folder), runs, {
    ...{ settings, quick, hours, place },
    threads: values.threads === undefined ? availableParallelism() : whole(values.threads, '--threads'),
    kernels: pick(values.kernels, ['auto'], ['auto', 'simd', 'relaxed'] as const, '--kernels')[0]!,
  });
}

async function open(task: Task, folder: URL): Promise<OpenTask> {
  try {
    return await task.open(folder);
  } catch (error) {
    if (!(error instanceof MissingData)) throw error;
    const cure = `The data of ${task.name} are ${task.source}. Put them in a folder and give it with --data DIR.`;
    throw new MissingData(`${error.message}.\n${cure}`, { cause: error });
  }
}

interface AllOptions {
  settings: Settings;
  quick: boolean;
  hours: number;
  /** folder of the results */
  place: string;
  threads: number;
  kernels: KernelSet | 'auto';
}

async function runAll(
  task: Task,
  opened: OpenTask,
  runs: readonly Run[],
  options: AllOptions,
): Promise<void> {
  const { settings, quick, hours, place, threads, kernels } = options;
  const bar = new Bar();
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const timer = Number.isFinite(hours) ? setTimeout(() => stop.abort(), hours * 3_600_000) : undefined;
  const results = quick ? new URL('build/evidence/quick/', root) : new URL('bench/results/evidence/', root);
  // A run takes about as long as its multiply-adds say, so the time left can be told from those that were done.
  const costOf = ({ structure }: Run) =>
    countMultiplyAdds(buildSpec(opened.stack, structure, task.hidden)) + costOfRest(task);
  let left = runs.reduce((sum, run) => sum + costOf(run), 0);
  const all = left;
  let done = 0;
  let spent = 0;
  try {
    for (const run of runs) {
      const name = nameRun(task, run);
      const path = new URL(`${place}/${name}.json`, results);
      const cost = costOf(run);
      if (!quick && (await isDone(path, settings, bar))) {
        left -= cost;
        continue;
      }
      const started = performance.now();
      let first: number | undefined;
      let said = started;
      const result = await executeRun(task, opened, run, {
        ...{ settings, threads, kernels, signal: stop.signal },
        limit: quick ? 20 : Number.POSITIVE_INFINITY,
        keepAt: new URL(`build/evidence/${quick ? 'quick/' : ''}${place}/${name}`, root),
        onProgress(share, text) {
          first ??= share;
          const seconds = (performance.now() - started) / 1000;
          const part = (share - first) * cost;
          const perCost = (spent + seconds) / Math.max(1, done + part);
          const remaining = formatSeconds(perCost * (left - share * cost));
          bar.show(1 - (left - share * cost) / all, `${name}  ${text}  ${remaining} left of all`);
        },
        onEpoch(text) {
          if (performance.now() - said < quietFor) return;
          said = performance.now();
          bar.say(`${task.name} ${name}  ${text}`);
        },
      });
      spent += (performance.now() - started) / 1000;
      done += cost * (1 - (first ?? 0));
      left -= cost;
      await replaceFile(path, `${JSON.stringify(result, round, 1)}\n`);
      bar.say(`${task.name} ${name}  ${describe(task, result)}  in ${formatSeconds(result.trainingSeconds)}`);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    bar.say('stopped; the same command goes on from the last checkpoint.');
    process.exitCode = 130;
  } finally {
    clearTimeout(timer);
  }
}

/** Pointwise work and the test, in multiply-adds: without them a small network would seem to cost nothing. */
function costOfRest(task: Task): number {
  return 40 * task.hidden;
}

async function isDone(path: URL, settings: Settings, bar: Bar): Promise<boolean> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return false;
  const found = JSON.parse(new TextDecoder().decode(bytes)) as Result;
  if (JSON.stringify(found.settings) === JSON.stringify(settings)) return true;
  bar.say(`${basename(path.pathname)} was made with other settings: it is made again.`);
  return false;
}

function describe(task: Task, { metrics }: Result): string {
  return task.metrics
    .map(({ key, label, digits, isShare }) => {
      const value = metrics[key] ?? Number.NaN;
      return `${label} ${isShare ? `${(100 * value).toFixed(digits)} %` : value.toFixed(digits)}`;
    })
    .join(', ');
}

function pick<T extends string>(
  text: string | undefined,
  otherwise: readonly T[],
  choices: readonly T[],
  what: string,
): T[] {
  const chosen = text === undefined ? [...otherwise] : text.split(',');
  for (const each of chosen) {
    if (!choices.includes(each as T))
      throw new RangeError(`${what}: ${each} is none of ${choices.join(', ')}.`);
  }
  return chosen as T[];
}

function whole(text: string, what: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`${what} must be a whole number of at least 1.`);
  return value;
}

function round(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(7)) : value;
}
