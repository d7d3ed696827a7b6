// npm run evidence:ship: of each task the best network of eight blocks, as demo/models/TASK-block8.safetensors in f16,
// and what it scores after that rounding, in demo/models/models.json. Needs the data, and build/evidence as the runs left it.
import { encodeModel, readModel } from '#dist/node.js';
import { openTested } from './answers.js';
import { readIfThere, replaceFile } from './keep.js';
import { readResults } from './read-results.js';
import { nameRun, type Result } from './results.js';
import type { Task } from './task.js';
import { tasks } from './tasks.js';

const root = new URL('../../../', import.meta.url);
const results = await readResults(new URL('bench/results/evidence/', root), tasks);
const mostBytes = 1_000_000;
/** The licence of its annotations is not stated: it is measured on and nothing more. */
const measuredOnly = new Set(['poses']);

interface Shipped {
  task: string;
  file: string;
  bytes: number;
  hidden: number;
  blocks: number;
  seed: number;
  /** of the file as it is, rounded to f16 */
  metrics: Record<string, number>;
}

const shipped: Shipped[] = [];
for (const task of tasks) {
  if (measuredOnly.has(task.name)) continue;
  const best = findBest(task);
  if (best === undefined) continue;
  const bytes = await readIfThere(
    new URL(`build/evidence/${task.name}/${nameRun(task, best)}.safetensors`, root),
  );
  if (bytes === undefined) {
    process.stderr.write(
      `${task.name}: build/evidence has not the model of ${nameRun(task, best)}; it is made by the run.\n`,
    );
    continue;
  }
  const half = encodeModel(await readModel(bytes), { dtype: 'f16' });
  if (half.length > mostBytes) {
    process.stderr.write(`${task.name}: ${half.length} bytes are more than ${mostBytes}; it is left out.\n`);
    continue;
  }
  const file = `${task.name}-block8.safetensors`;
  const { hidden, blocks, fold, seed } = best;
  const { spec, tensors } = await readModel(half);
  const model = await openTested(spec, tensors, 1);
  const opened = await task.open(new URL(`../shared/data/${task.folder}/`, root));
  const metrics = await opened.split(fold, seed).test(model);
  model.dispose();
  await replaceFile(new URL(`demo/models/${file}`, root), half);
  shipped.push({ task: task.name, file, bytes: half.length, hidden, blocks, seed, metrics });
  process.stdout.write(`${file}  ${half.length} bytes  ${JSON.stringify(metrics)}\n`);
}
await replaceFile(new URL('demo/models/models.json', root), `${JSON.stringify(shipped, round, 1)}\n`);

/** By validation, so that the test has no say in the choice; by the loss of training where nothing was held back. */
function findBest(task: Task): Result | undefined {
  const own = results.filter(
    ({ task: name, structure, group }) =>
      name === task.name && structure === 'blocks-8' && group === task.groups[0]!.name,
  );
  const lossOf = ({ curve }: Result) => {
    const validations = curve.flatMap(({ validation }) => (validation === undefined ? [] : [validation]));
    return validations.length > 0
      ? Math.min(...validations)
      : (curve.at(-1)?.loss ?? Number.POSITIVE_INFINITY);
  };
  return own.sort((a, b) => lossOf(a) - lossOf(b))[0];
}

function round(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}
