import { describe, expect, test } from 'vitest';
import { type Batch, type FitOptions, fit as train } from '#dist/train-node.js';
import { errorFrom } from '../session/draw.js';
import { modelOf, randomBatch } from './batches.js';
import { drawEpoch, fitOptions, smallSpec } from './fitting.js';
import { range, type, type Wrong } from './refused.js';
import { batchOf, expectSameTensors } from './trained.js';

const nothing = () => {};
const wrong: Wrong<unknown>[] = [
  ['no spec', { spec: undefined }, type, /spec/],
  ['no batches', { batches: undefined }, type, /^batches /],
  ['batches an array', { batches: drawEpoch(0) }, type, /^batches /],
  ['batches that give a number', { batches: () => 3, capacity: undefined }, type, /^batches\(0\) /],
  ['batches that give null', { batches: () => null }, type, /^batches\(0\) /],
  ['batches that give a promise', { batches: async () => drawEpoch(0) }, type, /^batches\(0\) /],
  ['batches that give none', { batches: () => [] }, range, /^batches\(0\) /],
  ['none to plan for', { batches: () => [], capacity: undefined }, range, /^batches\(0\) /],
  ['a batch that is none', { batches: () => [undefined] }, type, /batch/],
  ['a first batch that is none', { batches: () => [undefined], capacity: undefined }, type, /batch/],
  ['a first batch without sizes', { batches: () => [{}], capacity: undefined }, type, /^capacity\.steps /],
  ['none in the second epoch', { batches: (n: number) => drawEpoch(n, 2 - 2 * n) }, range, /^batches\(1\) /],
  ['no epochs', { epochs: undefined }, type, /^epochs /],
  ['epochs 0', { epochs: 0 }, range, /^epochs /],
  ['epochs fractional', { epochs: 1.5 }, range, /^epochs /],
  ['no learning rate', { learningRate: undefined }, type, /^learningRate /],
  ['a learning rate negative', { learningRate: -1 }, range, /^learningRate /],
  ['a schedule that gives NaN', { learningRate: () => Number.NaN }, range, /learningRate gives/],
  ['a schedule that gives nothing', { learningRate: nothing }, type, /learningRate gives/],
  ['epochSteps a string', { epochSteps: '5' }, type, /^epochSteps /],
  ['validate an array', { validate: drawEpoch(9) }, type, /^validate /],
  ['validate that gives none', { validate: () => [] }, range, /^validate\(\) /],
  ['validate that gives nothing', { validate: nothing }, type, /^validate\(\) /],
  ['a batch of validation that is none', { validate: () => [null] }, type, /batch/],
  ['onStep null', { onStep: null }, type, /^onStep /],
  ['onEpoch a string', { onEpoch: 'log' }, type, /^onEpoch /],
  ['checkpoint null', { checkpoint: null }, type, /^checkpoint /],
  ['checkpoint without save', { checkpoint: {} }, type, /^checkpoint\.save /],
  ['every 0', { checkpoint: { save: nothing, every: 0 } }, range, /^checkpoint\.every /],
  ['resume a string', { resume: 'last.safetensors' }, type, /^resume /],
  ['resume null', { resume: null }, type, /^resume /],
  ['an option of the trainer', { dropout: 2 }, range, /^dropout /],
  ['a signal that is none', { signal: 1 }, type, /^signal /],
];

test.each(wrong)('%s', async (_, given, expected, message) => {
  const error = await errorFrom(train({ ...fitOptions(), ...(given as object) }));
  expect(error).toMatchObject(expected);
  expect(error.message).toMatch(message);
});

test.each([undefined, null, 3])('options %s', async (options) => {
  const error = await errorFrom(train(options as unknown as FitOptions));
  expect(error).toMatchObject({ ...type, message: expect.stringMatching(/^options /) });
});

test('what listeners throw ends the training', async () => {
  const oops = () => {
    throw new Error('oops');
  };
  for (const given of [
    { onStep: oops },
    { onEpoch: oops },
    { onEpoch: async () => oops() },
    { checkpoint: { save: oops } },
    { batches: oops },
    { validate: oops },
    { learningRate: oops },
  ])
    expect((await errorFrom(train(fitOptions(given)))).message).toBe('oops');
});

describe('a checkpoint of another training', () => {
  async function keep(given: Partial<FitOptions> = {}): Promise<Uint8Array> {
    let last: Uint8Array | undefined;
    const save = (bytes: Uint8Array) => {
      last = bytes;
    };
    await train(fitOptions({ epochs: 1, checkpoint: { save, every: 4 }, ...given }));
    return last!;
  }

  test('is refused', async () => {
    const of = (given: Partial<FitOptions>, resume: Uint8Array) =>
      errorFrom(train(fitOptions({ resume, ...given })));
    const last = await keep();
    const [embedding, ...rest] = smallSpec.layers;
    const spec = { layers: [{ ...embedding!, name: 'other' }, ...rest] };
    expect(await of({ spec }, last)).toMatchObject({ name: 'MismatchError' });
    expect(await of({ optimizer: { kind: 'sgd' } }, last)).toMatchObject(range);
    expect(await of({ optimizer: { kind: 'sgd', momentum: 0.5 } }, last)).toMatchObject(range);
    expect(
      await of({ optimizer: { kind: 'adam' } }, await keep({ optimizer: { kind: 'sgd' } })),
    ).toMatchObject(range);
    const narrow: Partial<FitOptions> = { capacity: { steps: 4, batch: 2 } };
    expect(await of(narrow, last)).toMatchObject({ ...range, message: expect.stringMatching(/carried/) });
  });

  test('nor may there be fewer batches than it has seen', async () => {
    const kept: Uint8Array[] = [];
    const save = (bytes: Uint8Array) => void kept.push(bytes);
    await train(fitOptions({ epochs: 1, checkpoint: { save, every: 4 } }));
    const fewer = (epoch: number): Batch[] => drawEpoch(epoch, 3);
    const error = await errorFrom(train(fitOptions({ batches: fewer, resume: kept[0]! })));
    expect(error).toMatchObject({ ...range, message: expect.stringMatching(/^batches\(0\) gives 3 /) });
  });
});

test('a validation that is no number is not the best, can be kept, and hides no later one', async () => {
  const spec = modelOf('lstm', { hiddenSize: 3 });
  const draw = (seed: number) => batchOf(randomBatch(spec, { kind: 'steps' }, { steps: 3, batch: 2, seed }));
  const kept: Uint8Array[] = [];
  let validations = 0;
  const options = fitOptions({
    spec,
    capacity: { steps: 3, batch: 2 },
    batches: (epoch) => [draw(epoch)],
    validate: () => [
      validations++ === 0 ? { ...draw(9), x: new Float32Array(18).fill(Number.NaN) } : draw(9),
    ],
    checkpoint: { save: (bytes) => void kept.push(bytes) },
  });
  const { epochs, tensors } = await train(options);
  expect(epochs[0]!.validation!.loss).toBeNaN();
  expect(epochs.map(({ isBest }) => isBest).slice(0, 2)).toEqual([false, true]);
  const again = await train({ ...options, resume: kept[0]! });
  expect(again.epochs.map(({ isBest }) => isBest)).toEqual(epochs.map(({ isBest }) => isBest));
  expectSameTensors(again.tensors, tensors);
});
