import { describe, expect, it, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import type { ModelSpec, RecurrentLayerSpec, StripsSpec } from '#dist/model/spec.js';
import { availableKernels, createModel, sparsify } from '#dist/node.js';
import { decodeCheckpoint, encodeCheckpoint } from '#dist/train/checkpoint.js';
import { checkTrainerOptions } from '#dist/train/options.js';
import { planTraining } from '#dist/train/plan/plan.js';
import { createTrainer, initTensors, type Optimizer, fit as train } from '#dist/train-node.js';
import { type CellKind, cellKinds } from '../oracle/arbitraries.js';
import { expandStripsToDense, gatesOf, stripPlaces } from '../oracle/strips.js';
import { layerOf } from '../session/draw.js';
import { randomWeights } from './batches.js';
import { between, drawBatch } from './between.js';
import { expectSlopes } from './differences.js';
import type { Weights } from './oracle.js';
import { mismatch } from './refused.js';
import {
  batchOf,
  expectOracle,
  expectRefusal,
  expectSameTensors,
  f32Of,
  optionsOf,
  trainerOf,
} from './trained.js';

interface Structure {
  hiddenSize: number;
  inputSize: number;
  inputBlocks?: number;
  strips: StripsSpec;
}

/** Every shape; units that fill rows of strips and that do not; no strips, few, and so many that most overlap. */
const structures: Structure[] = [
  { hiddenSize: 1, inputSize: 3, strips: { shape: '16x1', count: 2, diagonal: true } },
  { hiddenSize: 4, inputSize: 1, strips: { shape: '4x4', count: 3, diagonal: false } },
  { hiddenSize: 5, inputSize: 9, strips: { shape: '8x4', count: 7, diagonal: true } },
  { hiddenSize: 7, inputSize: 8, strips: { shape: '4x4', count: 0, diagonal: true } },
  { hiddenSize: 9, inputSize: 2, strips: { shape: '8x4', count: 0, diagonal: false } },
  { hiddenSize: 16, inputSize: 4, strips: { shape: '16x1', count: 9, diagonal: false } },
  { hiddenSize: 21, inputSize: 6, inputBlocks: 3, strips: { shape: '4x4', count: 40, diagonal: true } },
  { hiddenSize: 33, inputSize: 5, strips: { shape: '16x1', count: 60, diagonal: true } },
  { hiddenSize: 24, inputSize: 17, strips: { shape: '8x4', count: 30, diagonal: true } },
];
const title = '$strips.count strips $strips.shape of $hiddenSize units, diagonal $strips.diagonal';

function stripLayer(
  kind: CellKind,
  { inputSize, hiddenSize, inputBlocks, strips }: Structure,
): RecurrentLayerSpec {
  const more = inputBlocks !== undefined && hiddenSize % inputBlocks === 0 ? { inputBlocks } : {};
  return { ...layerOf(kind, 'rnn', inputSize, hiddenSize), ...more, strips } as RecurrentLayerSpec;
}

const modelOf = (kind: CellKind, structure: Structure) => between(stripLayer(kind, structure));

describe.each(availableKernels())('%s: gradients are the oracle’s', (kernels) => {
  describe.each(cellKinds)('%s', (kind) => {
    it.each(structures)(title, async (structure) => {
      const spec = modelOf(kind, structure);
      const turn = structures.indexOf(structure) + cellKinds.indexOf(kind);
      const weights = randomWeights(spec, turn, 0.5, true);
      const batch = drawBatch(spec, turn);
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await expectOracle(trainer, weights, batch);
      trainer.dispose();
    });
  });
});

test.each(cellKinds)('%s: the oracle’s gradients are slopes', (kind) => {
  for (const [k, structure] of structures.slice(0, 5).entries()) {
    const spec = modelOf(kind, structure);
    if (k === cellKinds.indexOf(kind)) expectSlopes(spec, randomWeights(spec, k), drawBatch(spec, k));
  }
});

/** Of each value of the strips and of the diagonal where it stands in the dense weight_hh. */
function placesOf(layer: RecurrentLayerSpec, strips: StripsSpec, weights: Weights): Record<string, number[]> {
  const { hiddenSize } = layer;
  const rows = Array.from({ length: gatesOf(layer) * hiddenSize }, (_, row) => row);
  return {
    'rnn.weight_hh': stripPlaces(layer, strips, weights['rnn.strips']!.data),
    ...(strips.diagonal && { 'rnn.diagonal': rows.map((row) => row * hiddenSize + (row % hiddenSize)) }),
  };
}

test.each(cellKinds)('%s: its gradients are those of the dense layer that it is', async (kind) => {
  for (const structure of structures.filter(({ strips }) => strips.count > 0)) {
    const spec = modelOf(kind, structure);
    const weights = randomWeights(spec, 3, 0.5, true);
    const tensors = f32Of(weights);
    const dense = expandStripsToDense(spec, tensors);
    const batch = batchOf(drawBatch(spec, 4));
    const trainers = [
      await createTrainer(spec, optionsOf({ tensors })),
      await createTrainer(dense.spec, optionsOf({ tensors: dense.tensors })),
    ] as const;
    const [found, whole] = [await trainers[0].gradients(batch), await trainers[1].gradients(batch)];
    const places = placesOf(stripLayer(kind, structure), structure.strips, weights);
    expect(Object.keys(found)).not.toContain('rnn.strips');
    for (const [name, { data }] of Object.entries(found)) {
      const all = whole[places[name] === undefined ? name : 'rnn.weight_hh']!.data;
      const expected = places[name]?.map((place) => (place < 0 ? 0 : all[place]!)) ?? [...all];
      if (structure.hiddenSize > 1) expect([...data], name).toEqual(expected);
      // A dense layer of one unit has another way.
      else for (const [i, g] of expected.entries()) expect(data[i]).toBeCloseTo(g, 5);
    }
    for (const trainer of trainers) trainer.dispose();
  }
});

const thin: ModelSpec = checkSpec({
  layers: [
    stripLayer('lstm', { inputSize: 3, hiddenSize: 20, strips: { shape: '8x4', count: 12, diagonal: true } }),
    {
      ...{ kind: 'gru', name: 'none', inputSize: 20, hiddenSize: 6 },
      strips: { shape: '4x4', count: 0 },
    },
    { kind: 'linear', name: 'out', inputSize: 6, outputSize: 3 },
  ],
});
const first = f32Of(randomWeights(thin, 1, 0.4, true));
const batchAt = (seed: number) => batchOf(drawBatch(thin, 4 * seed));

const optimizers: Optimizer[] = [
  { kind: 'sgd', momentum: 0.9, weightDecay: 0.1 },
  { kind: 'adamw', weightDecay: 0.1 },
];

test.each(optimizers)(
  'where strips lie stays, and what is decayed is what there is: %o',
  async (optimizer) => {
    const given = structuredClone(first);
    const trainer = await createTrainer(thin, optionsOf({ tensors: given, optimizer, clip: 0.5 }));
    given['rnn.strips']!.data.fill(0);
    for (let k = 0; k < 6; k++) await trainer.step(batchAt(k), 0.05);
    const tensors = trainer.tensors();
    for (const name of ['rnn.strips', 'none.strips']) expect(tensors[name]).toEqual(first[name]);
    for (const name of ['rnn.weight_hh', 'rnn.diagonal']) expect(tensors[name]).not.toEqual(first[name]);
    tensors['rnn.strips']!.data.fill(0);
    expect(trainer.tensors()['rnn.strips']).toEqual(first['rnn.strips']);
    // Nothing but padding would tell these two apart.
    const fresh = await createTrainer(thin, optionsOf({ tensors: first, optimizer, clip: 0.5 }));
    await fresh.restore(trainer.save());
    for (const k of [3, 1])
      expect(await trainer.step(batchAt(k), 0.05)).toEqual(await fresh.step(batchAt(k), 0.05));
    expectSameTensors(trainer.save().tensors, fresh.save().tensors);
    for (const each of [trainer, fresh]) each.dispose();
  },
);

describe('states and checkpoints', () => {
  const options = optionsOf({ tensors: first, optimizer: { kind: 'adamw' }, clip: 1 });

  test('a state brings its own places', async () => {
    const other = f32Of(randomWeights(thin, 2, 0.4, true));
    expect(other['rnn.strips']).not.toEqual(first['rnn.strips']);
    const one = await createTrainer(thin, options);
    const two = await createTrainer(thin, { ...options, tensors: other, threads: 2 });
    for (let k = 0; k < 3; k++) await one.step(batchAt(k), 0.05);
    await two.step(batchAt(1), 0.05);
    const position = { epoch: 0, epochStep: 3, nats: 0, count: 0, seconds: 0, epochs: [] };
    const bytes = encodeCheckpoint({ spec: thin, state: one.save(), position, best: one.tensors() });
    const { state, best } = decodeCheckpoint(bytes, thin);
    expectSameTensors(best!, one.tensors());
    await two.restore(state);
    for (const trainer of [one, two]) await trainer.step(batchAt(9), 0.05);
    expectSameTensors(two.save().tensors, one.save().tensors);
    for (const trainer of [one, two]) trainer.dispose();
  });

  test('one that is none is refused, and nothing has changed', async () => {
    const trainer = await createTrainer(thin, options);
    await trainer.step(batchAt(1), 0.05);
    const state = trainer.save();
    const { shape, data } = first['rnn.strips']!;
    const beyond = { shape, data: data.with(data.findIndex((some) => some > 0) + 1, 17) };
    const refused: [object, RegExp][] = [
      [{ ...state.tensors, 'rnn.strips': beyond }, /"rnn.strips": value \d+ is 17/],
      [{ ...state.tensors, 'first.rnn.strips': first['rnn.strips'] }, /"rnn.strips" belongs to no layer/],
    ];
    for (const [tensors, message] of refused)
      await expectRefusal(
        trainer,
        () => trainer.restore({ ...state, tensors } as typeof state),
        mismatch,
        message,
      );
    trainer.dispose();
  });
});

test('a resumed training goes on to the same bytes', async () => {
  const kept: Uint8Array[] = [];
  const options = {
    spec: thin,
    ...optionsOf({ tensors: first, optimizer: { kind: 'adamw' }, clip: 1, dropout: 0.2 }),
    batches: (epoch: number) => [batchAt(2 * epoch), batchAt(2 * epoch + 1)],
    epochs: 3,
    learningRate: 0.02,
    checkpoint: { save: (bytes: Uint8Array) => void kept.push(bytes) },
  };
  const whole = await train(options);
  const resumed = await train({ ...options, resume: kept[0]!, threads: 2 });
  expectSameTensors(resumed.tensors, whole.tensors);
});

test('a pruned model learns again what it has lost, and runs', async () => {
  const dense: ModelSpec = {
    layers: [
      { kind: 'gru', name: 'rnn', inputSize: 2, hiddenSize: 24 },
      { kind: 'linear', name: 'out', inputSize: 24, outputSize: 4 },
    ],
  };
  // The class is where two bits came in before: steps to be remembered.
  const [steps, batch] = [12, 8];
  const bits = Array.from({ length: steps * batch }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 13) & 1);
  const x = Float32Array.from(bits.flatMap((bit) => [bit, 1 - bit]));
  const targets = Int32Array.from(bits, (_, i) => {
    const past = (back: number) => bits[i - back * batch] ?? 0;
    return i < 3 * batch ? -1 : 2 * past(3) + past(1);
  });
  const data = { x, targets, steps, batch };
  const learn = { batches: () => Array.from({ length: 60 }, () => data), epochs: 1, learningRate: 0.01 };
  const options = { ...optionsOf({ optimizer: { kind: 'adam' } }), capacity: { steps, batch } };
  const grown = await train({ spec: dense, ...options, ...learn, tensors: initTensors(checkSpec(dense), 1) });
  const file = { spec: grown.spec, tensors: grown.tensors };
  const { spec, tensors } = sparsify(file, { shape: '8x4', density: 0.2 });
  const result = await train({ spec, ...options, ...learn, tensors });
  const losses = [];
  for (const each of [file, { spec, tensors }, result]) {
    const trainer = await createTrainer(each.spec, { ...options, tensors: each.tensors });
    losses.push((await trainer.evaluate(data)).loss);
    trainer.dispose();
  }
  const [before, pruned, after] = losses as [number, number, number];
  expect(pruned).toBeGreaterThan(before);
  expect(after).toBeLessThan(pruned / 2);
  // The same numbers by the program of inference: its logits give the loss that training said.
  using model = await createModel(result.spec, result.tensors, { kernels: 'simd' });
  const { y } = await model.run(x, { steps, batch });
  let nats = 0;
  for (const [row, target] of targets.entries()) {
    if (target < 0) continue;
    const logits = y.subarray(row * 4, row * 4 + 4);
    nats += Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)) - logits[target]!;
  }
  expect(nats / ((steps - 3) * batch)).toBeCloseTo(after, 4);
});

test('no weight outside strips is trained or has moments', () => {
  const { seed: _, ...sizes } = checkTrainerOptions(optionsOf({ optimizer: { kind: 'adam' } }));
  const strips: StripsSpec = { shape: '8x4', count: 100, diagonal: true };
  const spec = modelOf('lstm', { inputSize: 8, hiddenSize: 128, strips });
  const { params } = planTraining(spec, { ...sizes, workers: 1 });
  const own = (name: string) => params.filter(({ names }) => names[0] === name).map(({ count }) => count);
  expect(own('rnn.weight_hh')).toEqual([104 * 32]);
  expect(own('rnn.diagonal')).toEqual([4 * 128]);
});
