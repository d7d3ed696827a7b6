import { describe, expect, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { createModel } from '#dist/node.js';
import { decodeCheckpoint, encodeCheckpoint } from '#dist/train/checkpoint.js';
import { createTrainer, type Optimizer, fit as train } from '#dist/train-node.js';
import { randomBatch, randomWeights } from './batches.js';
import { mismatch } from './refused.js';
import { batchOf, expectRefusal, expectSameTensors, f32Of, optionsOf } from './trained.js';

/** What training leaves as it is: the order of a shuffle, and what stands behind the states of a block. */
const layers: LayerSpec[] = [
  { kind: 'lstm', name: 'a', inputSize: 3, hiddenSize: 6, blocks: 2 },
  { kind: 'shuffle', name: 'mix', size: 6 },
  { kind: 'gru', name: 'b', inputSize: 6, hiddenSize: 6, blockSizes: [1, 3, 2] },
  { kind: 'linear', name: 'out', inputSize: 6, outputSize: 3 },
];
const spec: ModelSpec = checkSpec({ layers });
const first = f32Of(randomWeights(spec, 1, 0.8, true));
const batch = (seed: number) => {
  const drawn = randomBatch(spec, { kind: 'steps' }, { steps: 5, batch: 3, seed, lengths: [5, 2, 4] });
  (drawn.targets as Int32Array)[0] = 1;
  return batchOf(drawn);
};
const untrained = ({ 'mix.order': order, 'b.weight_hh': rows }: Tensors) => ({
  order,
  // Of a row of three, by its unit.
  behind: rows!.data.filter((_, i) => i % 3 >= [1, 3, 3, 3, 2, 2][Math.floor(i / 3) % 6]!),
});

const optimizers: Optimizer[] = [
  { kind: 'sgd', weightDecay: 0.1 },
  { kind: 'sgd', momentum: 0.9, weightDecay: 0.1 },
  { kind: 'adam', weightDecay: 0.1 },
  { kind: 'adamw', weightDecay: 0.1 },
];

test.each(optimizers)('no optimiser touches it: %o', async (optimizer) => {
  const given = structuredClone(first);
  const trainer = await createTrainer(spec, optionsOf({ tensors: given, optimizer, clip: 0.1 }));
  // What is given is copied.
  given['mix.order']!.data.reverse();
  given['b.weight_hh']!.data.fill(7);
  for (let k = 0; k < 10; k++) await trainer.step(batch(k), 0.1);
  const tensors = trainer.tensors();
  expect(untrained(tensors)).toEqual(untrained(first));
  expect(tensors['a.weight_hh']).not.toEqual(first['a.weight_hh']);
  // And so is what is handed out.
  tensors['mix.order']!.data.reverse();
  tensors['b.weight_hh']!.data.fill(7);
  expect(untrained(trainer.tensors())).toEqual(untrained(first));
  const gradients = await trainer.gradients(batch(1));
  expect(Object.keys(gradients)).not.toContain('mix.order');
  const { behind } = untrained({ ...tensors, ...gradients });
  expect(behind.length).toBe(3 * (2 + 2));
  expect([...behind]).toEqual(Array(12).fill(0));
  expect(Object.keys(trainer.save().tensors).filter((name) => name.endsWith('order'))).toEqual(['mix.order']);
  trainer.dispose();
});

describe('states and checkpoints', () => {
  const options = optionsOf({ tensors: first, optimizer: { kind: 'adamw' }, clip: 1 });

  test('a state brings its own', async () => {
    const one = await createTrainer(spec, options);
    const other = await createTrainer(spec, { ...options, tensors: undefined, seed: 5, threads: 2 });
    expect(untrained(other.tensors())).not.toEqual(untrained(first));
    for (let k = 0; k < 3; k++) await one.step(batch(k), 0.05);
    const position = { epoch: 0, epochStep: 3, nats: 0, count: 0, seconds: 0, epochs: [] };
    const bytes = encodeCheckpoint({ spec, state: one.save(), position, best: one.tensors() });
    const { state, best } = decodeCheckpoint(bytes, spec);
    expectSameTensors(best!, one.tensors());
    await other.restore(state);
    for (const trainer of [one, other]) await trainer.step(batch(9), 0.05);
    expectSameTensors(other.save().tensors, one.save().tensors);
    for (const trainer of [one, other]) trainer.dispose();
  });

  test('one that is none is refused, and nothing has changed', async () => {
    const trainer = await createTrainer(spec, options);
    await trainer.step(batch(1), 0.05);
    const state = trainer.save();
    const order = (...data: number[]) => ({ shape: [6], data: Float32Array.from(data) });
    const refused: [Tensors, RegExp][] = [
      [{ ...state.tensors, 'mix.order': order(0, 1, 2, 3, 4, 4) }, /"mix.order": value 5/],
      [{ ...state.tensors, 'mix.order': order(0, 1, 2, 3, 4, 6) }, /"mix.order": value 5/],
      [{ ...state.tensors, 'first.mix.order': order(0, 1, 2, 3, 4, 5) }, /"mix.order" belongs to no layer/],
    ];
    for (const [tensors, message] of refused)
      await expectRefusal(trainer, () => trainer.restore({ ...state, tensors }), mismatch, message);
    trainer.dispose();
  });

  test('a shuffle that has the name of a moment is a shuffle', async () => {
    const named: ModelSpec = {
      layers: layers.map((layer) => (layer.name === 'mix' ? { ...layer, name: 'first.mix' } : layer)),
    };
    const trainer = await createTrainer(named, optionsOf({ optimizer: { kind: 'adam' }, seed: 2 }));
    await trainer.step(batch(1), 0.05);
    const state = trainer.save();
    await trainer.restore(state);
    expectSameTensors(trainer.save().tensors, state.tensors);
    trainer.dispose();
  });
});

test('fit gives it as it was, and a model runs with it', async () => {
  const result = await train({
    spec,
    ...optionsOf({ tensors: first, optimizer: { kind: 'adamw' } }),
    batches: () => [batch(1), batch(2)],
    validate: () => [batch(3)],
    epochs: 3,
    learningRate: 0.01,
  });
  expect(untrained(result.tensors)).toEqual(untrained(first));
  using model = await createModel(result.spec, result.tensors);
  const { y } = await model.run(batch(1).x, { steps: 5, batch: 3 });
  expect(y.length).toBe(45);
});
