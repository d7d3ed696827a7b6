import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import { isRecurrent, type LayerSpec, type ModelSpec } from '#dist/model/spec.js';
import { widthsOf } from '#dist/model/wiring.js';
import { availableKernels } from '#dist/node.js';
import { decodeCheckpoint, encodeCheckpoint } from '#dist/train/checkpoint.js';
import { createTrainer } from '#dist/train-node.js';
import { graph } from '../oracle/graphs.js';
import { randomBatch, randomWeights } from './batches.js';
import { graphs } from './graphs.js';
import { type OracleBatch, type OracleLoss, trainOracle } from './oracle.js';
import { batchOf, expectOracle, expectSameTensors, f32Of, optionsOf, trainerOf } from './trained.js';

const losses: OracleLoss[] = [
  { kind: 'steps' },
  { kind: 'sequence', pool: 'last' },
  { kind: 'sequence', pool: 'mean' },
  { kind: 'ctc' },
];
const scenes = [
  { steps: 5, batch: 3, lengths: [5, 2, 3], withState: true },
  { steps: 1, batch: 1, withState: true },
  { steps: 4, batch: 2 },
  { steps: 7, batch: 4, lengths: [7, 1, 4, 2] },
];

function drawBatch(spec: ModelSpec, loss: OracleLoss, turn: number): OracleBatch {
  const batch = randomBatch(spec, loss, { ...scenes[turn % scenes.length]!, seed: turn + 1 });
  if (batch.targets instanceof Int32Array) batch.targets[0] = 0;
  return batch;
}

const names = Object.keys(graphs);

describe.each(availableKernels())('%s: gradients, losses and hits are the oracle’s', (kernels) => {
  it.each(names)('%s', async (name) => {
    const spec = checkSpec(graphs[name]!);
    for (const [k, loss] of losses.entries()) {
      for (const turn of scenes.keys()) {
        const weights = randomWeights(spec, turn * 10 + k, 0.8, true);
        const batch = drawBatch(spec, loss, turn + k);
        const trainer = await trainerOf(spec, weights, batch, { kernels });
        await expectOracle(trainer, weights, batch, { what: `${JSON.stringify(loss)} ${turn}` });
        trainer.dispose();
      }
    }
  });
});

describe('the state carries on', () => {
  it.each(names)('%s', async (name) => {
    const spec = checkSpec(graphs[name]!);
    const weights = randomWeights(spec, 3, 0.6, true);
    const draw = (seed: number, lengths?: number[]) => {
      const batch = randomBatch(
        spec,
        { kind: 'steps' },
        { steps: 4, batch: 3, seed, ...(lengths ? { lengths } : {}) },
      );
      (batch.targets as Int32Array)[1] = 0;
      return batch;
    };
    // A stream of no steps keeps the state it had.
    const batches = [draw(1, [4, 2, 1]), draw(2, [0, 4, 2]), draw(3), draw(4, [1, 1, 1])];
    const trainer = await trainerOf(spec, weights, batches[0]!);
    let state: ReturnType<typeof trainOracle>['state'] | undefined;
    for (const batch of batches) {
      const exact = trainOracle(spec, weights, { ...batch, state });
      await trainer.evaluate(batchOf(draw(7)));
      await trainer.gradients({ ...batchOf(draw(8)), carry: true });
      const { loss } = await trainer.step({ ...batchOf(batch), carry: true }, 0);
      expect(loss).toBeCloseTo(exact.loss, 4);
      state = exact.state;
      const { layers } = trainer.save().carried;
      expect(layers.length).toBe(state.length);
      for (const [k, { h }] of layers.entries()) {
        expect(h.length).toBe(state[k]!.h.length);
        for (const [i, v] of h.entries()) expect(Math.abs(v - state[k]!.h[i]!)).toBeLessThan(2e-5);
      }
    }
    trainer.dispose();
  });
});

test.each([
  'a causal convolution behind a gate',
  'delays, of a window and of a state',
  'a norm of several, and scales',
  'shuffles between blocks',
  'blocks of different sizes',
  'a gated cell in blocks, with norms',
  'loops that stand in each other’s way in the spec',
])('stopped and gone on with, by way of a checkpoint, it is the same bytes: %s', async (name) => {
  const spec = checkSpec(graphs[name]!);
  const options = optionsOf({ optimizer: { kind: 'adam' }, dropout: 0.2, seed: 4 });
  const batches = [1, 2, 3, 4].map((seed) => {
    const drawn = randomBatch(spec, { kind: 'steps' }, { steps: 4, batch: 3, seed, lengths: [4, 2, 3] });
    (drawn.targets as Int32Array)[0] = 0;
    return { ...batchOf(drawn), carry: true };
  });
  const [whole, half] = [await createTrainer(spec, options), await createTrainer(spec, options)];
  for (const batch of batches) await whole.step(batch, 0.01);
  for (const batch of batches.slice(0, 2)) await half.step(batch, 0.01);
  const position = { epoch: 0, epochStep: 2, nats: 0, count: 0, seconds: 0, epochs: [] };
  const bytes = encodeCheckpoint({ spec, state: half.save(), position, best: undefined });
  const rest = await createTrainer(spec, { ...options, threads: 2 });
  await rest.restore(decodeCheckpoint(bytes, spec).state);
  for (const batch of batches.slice(2)) await rest.step(batch, 0.01);
  expectSameTensors(rest.save().tensors, whole.save().tensors);
  expect(rest.save().carried).toEqual(whole.save().carried);
  for (const trainer of [whole, half, rest]) trainer.dispose();
});

test('what earlier batches left in memory makes no difference', async () => {
  for (const name of names) {
    const spec = checkSpec(graphs[name]!);
    const tensors = f32Of(randomWeights(spec, 1, 0.8, true));
    const used = await createTrainer(spec, optionsOf({ tensors }));
    for (const [seed, measures] of [
      { steps: 12, batch: 5 },
      { steps: 3, batch: 2, lengths: [3, 1] },
      { steps: 1, batch: 5 },
      { steps: 12, batch: 1 },
    ].entries()) {
      const batch = batchOf(randomBatch(spec, { kind: 'steps' }, { ...measures, seed }));
      (batch.targets as Int32Array)[0] = 0;
      const { steps, batch: streams } = measures;
      const fresh = await createTrainer(spec, optionsOf({ tensors, capacity: { steps, batch: streams } }));
      expectSameTensors(await used.gradients(batch), await fresh.gradients(batch));
      expect(await used.evaluate(batch)).toEqual(await fresh.evaluate(batch));
      fresh.dispose();
    }
    used.dispose();
  }
});

/**
 * A graph of which all trains: other functions for softmaxes, layers that look back for some scales, and a head.
 * @param feedsBack whether layers come back to themselves, so that there is nothing recurrent
 */
function fitting({ layers }: ModelSpec, seed: number, feedsBack = false): ModelSpec {
  const made = layers.map((layer, index): LayerSpec => {
    if (feedsBack && isRecurrent(layer)) {
      const { name, inputSize, hiddenSize: outputSize, inputs } = layer;
      return { kind: 'linear', name, inputSize, outputSize, ...(inputs === undefined ? {} : { inputs }) };
    }
    if (layer.kind === 'activation' && layer.activation.toLowerCase().endsWith('softmax'))
      return { ...layer, activation: 'softplus' };
    const { inputs } = layer;
    const more = inputs === undefined ? {} : { inputs };
    if (layer.kind !== 'scale' || (seed + index) % 3 === 0) return layer;
    const { name, size } = layer;
    if ((seed + index) % 3 === 1)
      return { kind: 'conv', name, size, width: 2 + (Math.abs(seed) % 4), ...more };
    return { kind: 'delay', name, size, steps: 1 + (Math.abs(seed) % 3), ...more };
  });
  const width = widthsOf({ layers: made }).at(-1)!;
  return { layers: [...made, { kind: 'linear', name: 'head', inputSize: width, outputSize: 3 }] };
}

test.each([
  ['any graph, any loss', 0],
  ['any graph that feeds back, any loss', 3],
])(
  '%s: gradients are the oracle’s',
  async (_, delays) => {
    const arbitrary = fc.record({
      given: graph(false, delays),
      seed: fc.integer({ min: 0, max: 1000 }),
      loss: fc.constantFrom(...losses),
      turn: fc.integer({ min: 0, max: 20 }),
      kernels: fc.constantFrom(...availableKernels()),
    });
    const property = fc.asyncProperty(arbitrary, async ({ given, seed, loss, turn, kernels }) => {
      const spec = checkSpec(fitting(given, seed, delays > 0));
      const weights = randomWeights(spec, seed, 0.5, true);
      const batch = drawBatch(spec, loss, turn);
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await expectOracle(trainer, weights, batch);
      trainer.dispose();
    });
    await fc.assert(property, { numRuns: 60, seed: 5 });
  },
  60_000,
);
