import { rm } from 'node:fs/promises';
import { blocksOf, isRecurrent, type ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { createModel, encodeModel } from '#dist/node.js';
import type { FitOptions } from '#dist/train/types.js';
import { fit as fitModel } from '#dist/train-node.js';
import { availableKernels, type KernelSet } from '#dist/wasm/features.js';
import { compare } from '../measure.js';
import { describeOrigin } from '../origin.js';
import { openTested } from './answers.js';
import { joinCheckpoint, type Kept, readIfThere, replaceFile, splitCheckpoint } from './keep.js';
import type { Point, Result, Run } from './results.js';
import { rateAt } from './schedule.js';
import { buildSpec, countMultiplyAdds, countParameters } from './sizes.js';
import type { OpenTask, Settings, Split, Task } from './task.js';

export interface ExecuteOptions {
  threads: number;
  kernels: KernelSet | 'auto';
  settings: Settings;
  /** most batches of an epoch, for a first look */
  limit: number;
  /** where checkpoint and model go, without ending */
  keepAt: URL;
  signal: AbortSignal;
  /** @param share of this run, 0..1 */
  onProgress(share: number, text: string): void;
  onEpoch(text: string): void;
}

/** Steps between checkpoints: of the longest task, some minutes. */
const everySteps = 500;

/**
 * Trains one network, goes on from its checkpoint where there is one, tests it with the package's own inference and
 * times its step.
 * @throws AbortError; the checkpoint is there then
 */
export async function executeRun(
  task: Task,
  open: OpenTask,
  run: Run,
  options: ExecuteOptions,
): Promise<Result> {
  const { settings, threads, keepAt } = options;
  const spec = buildSpec(open.stack, run.structure, task.hidden);
  const split = open.split(run.fold, run.seed);
  const { tensors, kept } = await train(spec, split, run, options);
  const metrics = await testModel(spec, tensors, split, threads);
  const step = await timeStep(spec, tensors, open.sample);
  const vocab = open.vocab === undefined ? {} : { vocab: open.vocab };
  await replaceFile(new URL(`${keepAt.href}.safetensors`), encodeModel({ spec, tensors, ...vocab }));
  await rm(checkpointOf(keepAt), { force: true });
  const layer = spec.layers.find(isRecurrent)!;
  return {
    ...{ task: task.name, ...run, hidden: layer.hiddenSize, blocks: blocksOf(layer) },
    parameters: countParameters(spec, settings.tie),
    multiplyAdds: countMultiplyAdds(spec),
    ...{ metrics, curve: kept.curve, trainingSeconds: kept.seconds, threads },
    kernels: options.kernels === 'auto' ? availableKernels()[0]! : options.kernels,
    ...{ step, settings, facts: open.facts, ...describeOrigin() },
  };
}

function checkpointOf(keepAt: URL): URL {
  return new URL(`${keepAt.href}.checkpoint`);
}

async function train(
  spec: ModelSpec,
  split: Split,
  run: Run,
  options: ExecuteOptions,
): Promise<{ tensors: Tensors; kept: Kept }> {
  const { settings, threads, kernels, limit, signal } = options;
  const { loss, optimizer, epochs, learningRate, clip, dropout, tie, init } = settings;
  const path = checkpointOf(options.keepAt);
  const identity = JSON.parse(JSON.stringify({ run, spec, settings, limit, threads, kernels }));
  const found = await readIfThere(path);
  const before = found && splitCheckpoint(found);
  const resumes = before !== undefined && JSON.stringify(before.kept.settings) === JSON.stringify(identity);
  if (found !== undefined && !resumes)
    options.onEpoch('its checkpoint has other settings: from the beginning');
  const kept: Kept = resumes ? before.kept : { settings: identity, seconds: 0, curve: [], step: 0 };
  const earlier = kept.seconds;
  const started = process.cpuUsage();
  const seconds = () => {
    const { user, system } = process.cpuUsage(started);
    return earlier + (user + system) / 1e6;
  };
  const stepsPerEpoch = Math.min(split.stepsPerEpoch, limit);
  const total = epochs * stepsPerEpoch;
  const curve: Point[] = [...kept.curve];
  let step = kept.step;
  const fitOptions: FitOptions = {
    ...{ spec, loss, optimizer, epochs, threads, kernels, signal },
    ...(clip === undefined ? {} : { clip }),
    ...(dropout === undefined ? {} : { dropout }),
    ...(tie === undefined ? {} : { tie }),
    ...(init === undefined ? {} : { init }),
    seed: run.seed,
    capacity: split.capacity,
    batches: (epoch) => take(split.batches(epoch), limit),
    ...(split.validate === undefined ? {} : { validate: () => take(split.validate!(), limit) }),
    learningRate: (progress) => rateAt(progress.step, total, learningRate),
    onStep(report) {
      step++;
      const rate = `${Math.round(report.tokensPerSecond)}/s`;
      options.onProgress(
        step / total,
        `epoch ${report.epoch + 1}/${epochs}  loss ${report.loss.toFixed(3)}  ${rate}`,
      );
    },
    onEpoch({ epoch, loss: mean, validation }) {
      const point: Point = { epoch, loss: mean, seconds: seconds() };
      if (validation !== undefined) point.validation = validation.loss;
      curve.push(point);
      const valid = validation === undefined ? '' : `, validation ${validation.loss.toFixed(4)}`;
      options.onEpoch(`epoch ${epoch + 1}/${epochs}: loss ${mean.toFixed(4)}${valid}`);
    },
    checkpoint: {
      every: Math.min(everySteps, stepsPerEpoch),
      async save(bytes) {
        const now: Kept = { settings: identity, seconds: seconds(), curve: [...curve], step };
        await replaceFile(path, joinCheckpoint(now, bytes));
      },
    },
    ...(resumes ? { resume: before.bytes } : {}),
  };
  const { tensors } = await fitModel(fitOptions);
  return { tensors, kept: { settings: identity, seconds: seconds(), curve, step } };
}

function* take<T>(items: Iterable<T>, limit: number): Generator<T> {
  let left = limit;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}

async function testModel(
  spec: ModelSpec,
  tensors: Tensors,
  split: Split,
  threads: number,
): Promise<Record<string, number>> {
  const model = await openTested(spec, tensors, threads);
  try {
    return await split.test(model);
  } finally {
    model.dispose();
  }
}

/** µs of one step of one stream on one thread, as a user would call it. */
async function timeStep(
  spec: ModelSpec,
  tensors: Tensors,
  sample: Int32Array | Float32Array,
): Promise<{ best: number; median: number }> {
  const model = await createModel(spec, tensors, { threads: 1 });
  try {
    const session = model.session();
    const { step } = await compare([{ name: 'step', run: () => void session.step(sample) }], 300);
    return { best: step!.best * 1000, median: step!.median * 1000 };
  } finally {
    model.dispose();
  }
}
