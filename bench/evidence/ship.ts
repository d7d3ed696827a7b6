// npm run evidence:ship: of each task the best network of eight blocks, as demo/models/TASK-block8.safetensors in f16,
// and what it scores after that rounding, in demo/models/models.json. Of bytes, which is the model of README and demo, it is
// demo/shakespeare-block8.safetensors, and the dense network that the page shows beside it goes along. Needs the data, and
// build/evidence as the runs left it.
import { encodeModel, readModel } from '#dist/node.js';
import { openTested } from './answers.js';
import { readIfThere, replaceFile } from './keep.js';
import { readResults } from './read-results.js';
import { nameRun, type Result } from './results.js';
import type { Structure } from './sizes.js';
import type { Task } from './task.js';
import { tasks } from './tasks.js';

const root = new URL('../../../', import.meta.url);
const results = await readResults(new URL('bench/results/evidence/', root), tasks);
const mostBytes = 1_000_000;
/** The licence of its annotations is not stated: it is measured on and nothing more. */
const measuredOnly = new Set(['poses']);

/** What else is shipped than blocks, and where other than by the task's name. */
const withDense = new Set(['bytes']);
const places: Record<string, string> = { bytes: 'demo/shakespeare' };

interface Shipped {
  task: string;
  /** path in the project */
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
  await ship(task, 'blocks-8', 'block8', mostBytes);
  if (withDense.has(task.name)) await ship(task, 'dense', 'dense', Number.POSITIVE_INFINITY);
}
await replaceFile(new URL('demo/models/models.json', root), `${JSON.stringify(shipped, round, 1)}\n`);

async function ship(task: Task, structure: Structure, end: string, most: number): Promise<void> {
  const best = findBest(task, structure);
  if (best === undefined) return;
  const name = nameRun(task, best);
  const bytes = await readIfThere(new URL(`build/evidence/${task.name}/${name}.safetensors`, root));
  if (bytes === undefined) {
    process.stderr.write(
      `${task.name}: build/evidence has not the model of ${name}; it is made by the run.\n`,
    );
    return;
  }
  const half = encodeModel(await readModel(bytes), { dtype: 'f16' });
  if (half.length > most) {
    process.stderr.write(`${task.name}: ${half.length} bytes are more than ${most}; it is left out.\n`);
    return;
  }
  const file = `${places[task.name] ?? `demo/models/${task.name}`}-${end}.safetensors`;
  const { hidden, blocks, fold, seed } = best;
  const { spec, tensors } = await readModel(half);
  const model = await openTested(spec, tensors, 1);
  const opened = await task.open(new URL(`../shared/data/${task.folder}/`, root));
  const metrics = await opened.split(fold, seed).test(model);
  model.dispose();
  await replaceFile(new URL(file, root), half);
  shipped.push({ task: task.name, file, bytes: half.length, hidden, blocks, seed, metrics });
  process.stdout.write(`${file}  ${half.length} bytes  ${JSON.stringify(metrics)}\n`);
}

/** By validation, so that the test has no say in the choice; by the loss of training where nothing was held back. */
function findBest(task: Task, wanted: Structure): Result | undefined {
  const own = results.filter(
    ({ task: name, structure, group }) =>
      name === task.name && structure === wanted && group === task.groups[0]!.name,
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
