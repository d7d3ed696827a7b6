import { describe, expect, it, test } from 'vitest';
import type { RecurrentLayerSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import { checkTrainerOptions } from '#dist/train/options.js';
import { planTraining } from '#dist/train/plan/plan.js';
import { createTrainer } from '#dist/train-node.js';
import { randomWeights } from './batches.js';
import { between, drawBatch } from './between.js';
import { blockKinds, type TrainKind, trainLayer } from './cells.js';
import { expectSlopes } from './differences.js';
import { batchOf, expectOracle, f32Of, optionsOf, trainerOf } from './trained.js';

/** Those that may have blocks of different sizes: where a norm is over all units they may not. */
const kinds = blockKinds.filter((kind) => !kind.startsWith('ln'));

/** Single blocks and runs of one size, single units and more of them than a part has, whole panels and none. */
const structures: { inputSize: number; sizes: number[] }[] = [
  { inputSize: 3, sizes: [4, 2] },
  { inputSize: 9, sizes: [1, 1, 5] },
  { inputSize: 5, sizes: [3, 1, 1, 2, 2, 2] },
  { inputSize: 8, sizes: [16, 8] },
  { inputSize: 2, sizes: [...new Array<number>(40).fill(1), 3] },
  { inputSize: 17, sizes: [1, 17, 1] },
];
type Structure = (typeof structures)[number];

function raggedLayer(kind: TrainKind, { inputSize, sizes }: Structure): RecurrentLayerSpec {
  const hiddenSize = sizes.reduce((sum, size) => sum + size, 0);
  const { blocks: _, ...layer } = trainLayer(kind, 'rnn', inputSize, hiddenSize) as RecurrentLayerSpec & {
    blocks?: number;
  };
  return { ...layer, blockSizes: sizes } as RecurrentLayerSpec;
}

const modelOf = (kind: TrainKind, structure: Structure) => between(raggedLayer(kind, structure));

describe.each(availableKernels())('%s: gradients are the oracle’s', (kernels) => {
  describe.each(kinds)('%s', (kind) => {
    it.each(structures)('blocks of $sizes, $inputSize inputs', async (structure) => {
      const spec = modelOf(kind, structure);
      const turn = structures.indexOf(structure) + kinds.indexOf(kind);
      const weights = randomWeights(spec, turn, 0.7, true);
      const batch = drawBatch(spec, turn);
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await expectOracle(trainer, weights, batch);
      trainer.dispose();
    });
  });
});

test.each(kinds)('%s: the oracle’s gradients are slopes', (kind) => {
  for (const [k, structure] of structures.slice(0, 3).entries()) {
    const spec = modelOf(kind, structure);
    if (k === kinds.indexOf(kind) % 3) expectSlopes(spec, randomWeights(spec, k), drawBatch(spec, k));
  }
});

/** Of each value of weight_hh that is used, where it stands, and where it would in rows of all states. */
function placesOf(sizes: readonly number[], rows: number): [from: number, to: number][] {
  const [depth, hidden] = [Math.max(...sizes), sizes.reduce((sum, size) => sum + size, 0)];
  const firsts = sizes.flatMap((size, n) => {
    const first = sizes.slice(0, n).reduce((sum, each) => sum + each, 0);
    return new Array<[number, number]>(size).fill([first, size]);
  });
  return Array.from({ length: rows }, (_, row) => row).flatMap((row) => {
    const [first, size] = firsts[row % hidden]!;
    return Array.from({ length: size }, (_, k): [number, number] => [
      row * depth + k,
      row * hidden + first + k,
    ]);
  });
}

test.each(kinds)('%s: its gradients are those of the dense layer that holds its weights', async (kind) => {
  const structure = { inputSize: 5, sizes: [3, 1, 1, 6] };
  const layer = raggedLayer(kind, structure);
  const spec = between(layer);
  const { blockSizes: _, ...plain } = layer as RecurrentLayerSpec & { blockSizes: number[] };
  const whole = between({ ...plain, blocks: 1 } as RecurrentLayerSpec);
  const tensors = f32Of(randomWeights(spec, 3, 0.8, true));
  const { shape, data } = tensors['rnn.weight_hh']!;
  const rows = shape[0]!;
  const places = placesOf(structure.sizes, rows);
  const wide = new Float32Array(rows * 11);
  for (const [from, to] of places) wide[to] = data[from]!;
  const dense = { ...tensors, 'rnn.weight_hh': { shape: [rows, 11], data: wide } };
  const batch = batchOf(drawBatch(spec, 4));
  const trainers = [
    await createTrainer(spec, optionsOf({ tensors })),
    await createTrainer(whole, optionsOf({ tensors: dense })),
  ] as const;
  const [found, expected] = [await trainers[0].gradients(batch), await trainers[1].gradients(batch)];
  for (const [name, { data: all }] of Object.entries(expected)) {
    const isRecurrent = name === 'rnn.weight_hh';
    const pairs = isRecurrent ? places : Array.from(all, (_, i): [number, number] => [i, i]);
    const most = pairs.reduce((size, [, to]) => Math.max(size, Math.abs(all[to]!)), 0);
    // Sums of a few dozen f32 products, in another order.
    for (const [from, to] of pairs)
      expect(Math.abs(found[name]!.data[from]! - all[to]!), name).toBeLessThan(1e-5 * most);
  }
  const used = new Set(places.map(([from]) => from));
  expect(found['rnn.weight_hh']!.data.every((g, i) => used.has(i) || g === 0)).toBe(true);
  for (const trainer of trainers) trainer.dispose();
});

test('no weight between blocks takes room', () => {
  const { seed: _, ...sizes } = checkTrainerOptions(optionsOf());
  const spec = modelOf('lstm', { inputSize: 8, sizes: [64, ...new Array<number>(64).fill(8)] });
  const { params } = planTraining(spec, { ...sizes, workers: 1 });
  const recurrent = params.filter(({ names }) => names[0] === 'rnn.weight_hh');
  const floats = recurrent.reduce((sum, { count }) => sum + count, 0);
  expect(floats).toBe(4 * (64 * 64 + 64 * 8 * 8));
});
