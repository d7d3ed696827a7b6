import { seededRandom } from '../base/random.js';
import { isRecurrent, type ModelSpec } from '../model/spec.js';
import { inputWidth } from '../model/wiring.js';
import { loadModel } from '../node.js';
import type { Input } from '../session/input.js';
import type { Model } from '../session/model.js';
import { type Command, kernelsOption, threadsOption } from './command.js';
import { about } from './failure.js';
import { readBytes } from './files.js';
import { count, duration, measure, plural } from './numbers.js';
import { Progress } from './progress.js';
import { tabulate } from './table.js';
import { type Timing, timeCalls } from './timing.js';
import { countModel } from './weights.js';

/** `blockrnn bench`: how fast a model is here. */
export const bench: Command = {
  name: 'bench',
  summary: 'how fast a model is on this machine',
  operands: [{ name: 'MODEL' }],
  options: {
    threads: { ...threadsOption, help: `${threadsOption.help} (default); one thread is measured too` },
    kernels: kernelsOption,
    batch: { type: 'string', value: 'B', help: 'streams side by side; default 1' },
    steps: { type: 'string', value: 'T', help: 'steps of a run; default 100' },
  },
  description:
    'Takes the median of several repeats after a warm-up, on random input. GFLOP/s counts two for each weight of a\n' +
    'matrix, blocks only; activations are not counted.',
  examples: ['bench model.safetensors', 'bench model.safetensors --batch 16 --threads 2'],
  async run(args, context) {
    const { terminal, signal, json } = context;
    const path = args.operands[0]!;
    const threads = args.threads() ?? 'auto';
    const kernels = args.kernels();
    const batch = args.integer('batch', 1, 2 ** 16) ?? 1;
    const steps = args.integer('steps', 1, 2 ** 24) ?? 100;
    const bytes = await readBytes(path, signal);
    const open = (wish: number | 'auto') =>
      about(path, () => loadModel(bytes, { threads: wish, kernels, signal }));
    const solo = await open(1);
    const crew = threads === 1 ? undefined : await open(threads).catch(disposing(solo));
    const progress = new Progress(terminal);
    try {
      const parts = [solo, ...(crew !== undefined && crew.threads > 1 ? [crew] : [])];
      const show = (done: number) => progress.show('measuring', done, parts.length + 1);
      const { work } = countModel(solo.spec);
      const gflops = (rows: number, seconds: number) => (2 * work * rows) / seconds / 1e9;

      // A model that goes backward too has no steps of its own.
      const isStepped = !solo.spec.layers.some(
        (layer) => isRecurrent(layer) && layer.direction !== undefined,
      );
      const step = isStepped ? await timeSteps(solo, batch, signal, show) : undefined;
      const runs: { threads: number; auto: boolean; timing: Timing }[] = [];
      for (const [i, model] of parts.entries()) {
        const x = randomInput(model.spec, steps * batch);
        const timing = await timeCalls(
          () => model.run(x, { steps, batch, signal }),
          signal,
          (share) => show(i + 1 + share),
        );
        runs.push({ threads: model.threads, auto: model === crew && threads === 'auto', timing });
      }
      progress.end();
      const result = {
        model: path,
        kernels: solo.kernels,
        batch,
        steps,
        step: step && {
          microseconds: step.seconds * 1e6,
          gflops: gflops(batch, step.seconds),
          repeats: step.repeats,
        },
        runs: runs.map(({ threads: used, auto, timing: { seconds, repeats } }) => ({
          threads: used,
          auto,
          milliseconds: seconds * 1e3,
          tokensPerSecond: (steps * batch) / seconds,
          gflops: gflops(steps * batch, seconds),
          repeats,
        })),
      };
      await terminal.write(json ? `${JSON.stringify(result)}\n` : describe(result));
    } finally {
      progress.end();
      solo.dispose();
      crew?.dispose();
    }
  },
};

interface Result {
  model: string;
  kernels: string;
  batch: number;
  steps: number;
  /** none of a model that needs whole sequences */
  step: { microseconds: number; gflops: number; repeats: number } | undefined;
  runs: {
    threads: number;
    /** whether one thread did it where that is quicker */
    auto: boolean;
    milliseconds: number;
    tokensPerSecond: number;
    gflops: number;
    repeats: number;
  }[];
}

function describe({ model, kernels, batch, steps, step, runs }: Result): string {
  const rows = [
    ['', 'threads', 'time', 'tokens/s', 'GFLOP/s', 'repeats'],
    ...(step === undefined ? [] : [describeStep(step, batch)]),
    ...runs.map((run) => [
      `run of ${plural(steps, 'step')}`,
      run.auto ? `auto, up to ${run.threads}` : count(run.threads),
      duration(run.milliseconds / 1e3),
      count(run.tokensPerSecond),
      measure(run.gflops),
      count(run.repeats),
    ]),
  ];
  return `${model}: ${plural(batch, 'stream')}, ${kernels} kernels, medians\n\n${tabulate(rows)}`;
}

function describeStep(
  { microseconds, gflops, repeats }: NonNullable<Result['step']>,
  batch: number,
): string[] {
  const seconds = microseconds / 1e6;
  return ['one step', '1', duration(seconds), count(batch / seconds), measure(gflops), count(repeats)];
}

/** Time of one step of a session; many are timed together, because the clock is coarse. */
async function timeSteps(
  model: Model,
  batch: number,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Timing> {
  const session = model.session({ batch });
  const x = randomInput(model.spec, batch);
  session.step(x);
  const start = performance.now();
  session.step(x);
  const together = Math.max(1, Math.ceil(2 / Math.max(1e-3, performance.now() - start)));
  const { seconds, repeats } = await timeCalls(
    () => {
      for (let i = 0; i < together; i++) session.step(x);
    },
    signal,
    onProgress,
  );
  return { seconds: seconds / together, repeats };
}

function randomInput(spec: ModelSpec, rows: number): Input {
  const random = seededRandom(1);
  const first = spec.layers[0]!;
  if (first.kind === 'embedding') {
    return Int32Array.from({ length: rows }, () => Math.floor(random() * first.count));
  }
  const width = inputWidth(spec);
  return Float32Array.from({ length: rows * width }, () => 2 * random() - 1);
}

function disposing(model: Model): (error: unknown) => never {
  return (error) => {
    model.dispose();
    throw error;
  };
}
