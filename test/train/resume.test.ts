import { describe, expect, test } from 'vitest';
import { availableKernels, createModel } from '#dist/node.js';
import {
  cosine,
  createTrainer,
  type FitOptions,
  type FitResult,
  plateau,
  type StepReport,
  stepDecay,
  fit as train,
} from '#dist/train-node.js';
import { errorFrom, expectSameBytes } from '../session/draw.js';
import { drawEpoch, epochSteps, fitOptions, otherSpec, smallSpec, zoneSpec } from './fitting.js';
import { expectSameTensors, optionsOf } from './trained.js';

/** All of a result but how long it took. */
const timeless = ({ epochs, steps }: FitResult) => ({
  steps,
  epochs: epochs.map(({ seconds: _, ...report }) => report),
});

/** Runs to the end, keeping each checkpoint. */
async function fitKeeping(options: FitOptions, every?: number) {
  const kept: Uint8Array[] = [];
  const reports: StepReport[] = [];
  const result = await train({
    ...options,
    onStep: (report) => void reports.push(report),
    checkpoint: { save: (bytes) => void kept.push(bytes), ...(every === undefined ? {} : { every }) },
  });
  return { result, kept, reports };
}

/** Rises after the first epoch, so that the best weights are not the last ones. */
const rising: FitOptions = fitOptions({ learningRate: ({ epoch }) => (epoch === 0 ? 0.01 : 3) });

const variants: Record<string, FitOptions> = {
  'a constant rate': fitOptions(),
  'other cells': fitOptions({ spec: otherSpec }),
  'states kept by lot': fitOptions({ spec: zoneSpec }),
  'a cosine': fitOptions({ learningRate: cosine({ peak: 0.05, warmup: 4 }) }),
  // Of a rate of 1 validations are good and bad by turns.
  'a plateau': fitOptions({ learningRate: plateau({ rate: 1 }), optimizer: { kind: 'sgd', momentum: 0.9 } }),
  'decay by epochs, AdamW': fitOptions({
    learningRate: stepDecay({ rate: 0.1, factor: 0.5, every: 1 }),
    optimizer: { kind: 'adamw' },
  }),
  'the best epoch is the first': rising,
  'no validation, plain SGD': fitOptions({
    validate: undefined,
    optimizer: { kind: 'sgd' },
    learningRate: 0.1,
  }),
  'batches one after the other, that carry from epoch to epoch': fitOptions({
    async *batches(epoch) {
      for (const batch of drawEpoch(epoch)) yield { ...batch, carry: true };
    },
  }),
};

describe.each(Object.keys(variants))('%s', (name) => {
  const options = variants[name]!;

  test.each(availableKernels())('%s: going on from any checkpoint is as never stopping', async (kernels) => {
    const { result, kept, reports } = await fitKeeping({ ...options, kernels }, 1);
    // One after each step, and one after each epoch.
    expect(kept.length).toBe(3 * (epochSteps + 1));
    // In the midst of the first epoch, at the end of its steps, after it, within the second, and after the last.
    for (const at of [0, 2, 4, 5, 8, 17]) {
      const again = await fitKeeping({ ...options, kernels, resume: kept[at]! }, 1);
      expect(timeless(again.result)).toEqual(timeless(result));
      expectSameTensors(again.result.tensors, result.tensors);
      expect(again.kept.length).toBe(kept.length - at - 1);
      const strip = ({ tokensPerSecond: _, ...report }: StepReport) => report;
      const expected = reports.slice(reports.length - again.reports.length);
      expect(again.reports.map(strip)).toEqual(expected.map(strip));
    }
  });
});

test('training and keeping do not depend on who listens', async () => {
  const plain = await train(fitOptions());
  const { result } = await fitKeeping(fitOptions(), 2);
  expectSameTensors(result.tensors, plain.tensors);
  expect(timeless(result)).toEqual(timeless(plain));
});

test('the weights that come back are the best epoch’s', async () => {
  const one = await train({ ...rising, epochs: 1 });
  const three = await train(rising);
  expect(three.epochs.map(({ isBest }) => isBest)).toEqual([true, false, false]);
  expectSameTensors(three.tensors, one.tensors);
  const last = await train({ ...rising, validate: undefined });
  expect(last.tensors['out.bias']!.data).not.toEqual(three.tensors['out.bias']!.data);
});

test('an epoch’s loss is the mean of its steps’, a validation’s that of its batches', async () => {
  const { result, reports } = await fitKeeping(fitOptions());
  for (const { epoch, loss, validation, seconds } of result.epochs) {
    const own = reports.filter((report) => report.epoch === epoch);
    expect(own.length).toBe(epochSteps);
    const count = own.reduce((sum, report) => sum + report.count, 0);
    expect(loss).toBeCloseTo(own.reduce((sum, report) => sum + report.loss * report.count, 0) / count, 12);
    expect(validation!.count).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThan(0);
  }
  // Validated by hand with the weights of the last epoch, which is the best one here.
  expect(result.epochs.at(-1)!.isBest).toBe(true);
  const trainer = await createTrainer(
    smallSpec,
    optionsOf({ tensors: result.tensors, capacity: { steps: 4, batch: 3 } }),
  );
  const batches = drawEpoch(99, 2);
  const scores = [await trainer.evaluate({ ...batches[0]!, carry: false })];
  scores.push(await trainer.evaluate({ ...batches[1]!, carry: true }));
  const { loss, count, hits } = result.epochs.at(-1)!.validation!;
  expect(count).toBe(scores[0]!.count + scores[1]!.count);
  expect(hits).toBe(scores[0]!.hits + scores[1]!.hits);
  expect(loss).toBeCloseTo(scores.reduce((sum, one) => sum + one.loss * one.count, 0) / count, 12);
  // What comes back is a model that runs.
  using model = await createModel(result.spec, result.tensors);
  const { y } = await model.run(batches[0]!.x, { steps: 4, batch: 3 });
  expect(y.every(Number.isFinite)).toBe(true);
});

describe('save and restore', () => {
  const batches = [...drawEpoch(0), ...drawEpoch(1)];
  const options = optionsOf({
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true },
    dropout: 0.3,
    capacity: { steps: 4, batch: 3 },
  });

  test('another trainer goes on where one was saved, and one goes back', async () => {
    const trainer = await createTrainer(smallSpec, options);
    for (const batch of batches.slice(0, 4)) await trainer.step(batch, 0.1);
    const saved = trainer.save();
    const goOn = async (one: typeof trainer) => {
      for (const batch of batches.slice(4)) await one.step({ ...batch, carry: true }, 0.1);
      return one.save();
    };
    const expected = await goOn(trainer);
    const other = await createTrainer(smallSpec, { ...options, seed: options.seed, threads: 2 });
    await other.restore(saved);
    expect(other.steps).toBe(4);
    for (const one of [other, trainer]) {
      await one.restore(saved);
      const { tensors, carried, steps } = await goOn(one);
      expect(steps).toBe(expected.steps);
      expectSameTensors(tensors, expected.tensors);
      for (const [k, { h }] of carried.layers.entries()) expectSameBytes(h, expected.carried.layers[k]!.h);
      one.dispose();
    }
  });

  test('evaluation begins from zero after it', async () => {
    const trainer = await createTrainer(smallSpec, options);
    const batch = { ...batches[0]!, carry: true };
    const first = await trainer.evaluate(batch);
    expect(await trainer.evaluate(batch)).not.toEqual(first);
    await trainer.restore(trainer.save());
    expect(await trainer.evaluate(batch)).toEqual(first);
    trainer.dispose();
  });

  test('what was saved and what is given are copies', async () => {
    const trainer = await createTrainer(smallSpec, options);
    await trainer.step(batches[0]!, 0.1);
    const [first, second] = [trainer.save(), trainer.save()];
    for (const { data } of Object.values(first.tensors)) data.fill(7);
    for (const { data } of Object.values(trainer.tensors())) data.fill(7);
    for (const { h } of first.carried.layers) h.fill(7);
    expectSameTensors(trainer.save().tensors, second.tensors);
    expect(trainer.save().carried).toEqual(second.carried);
  });
});

describe('stopping by signal', () => {
  test.each([
    ['within an epoch', 7],
    ['at the end of an epoch', 5],
    ['at once', 0],
  ])('%s: a checkpoint is kept, and going on from it is as never stopping', async (_, steps) => {
    const expected = await train(fitOptions());
    const controller = new AbortController();
    let last: Uint8Array | undefined;
    let steps_ = 0;
    const options = fitOptions({ signal: controller.signal });
    const run = train({
      ...options,
      batches: (epoch) => {
        if (steps === 0) controller.abort(new Error('enough'));
        return drawEpoch(epoch);
      },
      onStep: () => {
        if (++steps_ === steps) controller.abort(new Error('enough'));
      },
      checkpoint: {
        save: (bytes) => {
          last = bytes;
        },
      },
    });
    const error = await errorFrom(run);
    expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
    expect((error.cause as Error).message).toBe('enough');
    expect(steps_).toBe(steps);
    const result = await train(fitOptions({ resume: last! }));
    expectSameTensors(result.tensors, expected.tensors);
    expect(timeless(result)).toEqual(timeless(expected));
  });

  test('a signal that has fired before begins nothing', async () => {
    const batches = () => expect.fail('asked for batches');
    const error = await errorFrom(train(fitOptions({ signal: AbortSignal.abort(), batches })));
    expect(error).toMatchObject({ name: 'AbortError' });
  });

  test('in the midst of validation', async () => {
    const expected = await train(fitOptions());
    const controller = new AbortController();
    let last: Uint8Array | undefined;
    const { validate } = fitOptions();
    const run = train(
      fitOptions({
        signal: controller.signal,
        *validate() {
          yield* (validate as () => ReturnType<typeof drawEpoch>)().slice(0, 1);
          controller.abort();
          yield* drawEpoch(99, 1);
        },
        checkpoint: {
          save: (bytes) => {
            last = bytes;
          },
        },
      }),
    );
    expect(await errorFrom(run)).toMatchObject({ name: 'AbortError' });
    const result = await train(fitOptions({ resume: last! }));
    expectSameTensors(result.tensors, expected.tensors);
    expect(timeless(result)).toEqual(timeless(expected));
  });
});
