import { describe, expect, it, test } from 'vitest';
import type { LayerSpec, ModelSpec, RecurrentLayerSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import { type Batch, createTrainer, type Trainer } from '#dist/train-node.js';
import { runOracle } from '../oracle/model.js';
import { expectSameBytes, layerOf } from '../session/draw.js';
import { randomBatch, randomWeights } from './batches.js';
import { expectSlopes } from './differences.js';
import { trainOracle } from './oracle.js';
import { batchOf, carryOver, expectOracle, expectSameTensors, optionsOf, trainerOf } from './trained.js';
import { hasBlocks, keepsOf, pairOf, type ZoneSizes, zoneKinds } from './zoned.js';

const structures: ZoneSizes[] = [
  { hiddenSize: 1, inputSize: 1 },
  { hiddenSize: 7, inputSize: 9 },
  { hiddenSize: 10, blocks: 2 },
  { hiddenSize: 9, blocks: 3, inputSize: 1 },
  { hiddenSize: 20 },
  { hiddenSize: 37, blocks: 37, inputSize: 5 },
];

const scenes = [
  { steps: 5, batch: 3, lengths: [5, 1, 3] },
  { steps: 4, batch: 2, withState: true },
  { steps: 3, batch: 5, lengths: [3, 0, 1, 2, 3], withState: true },
  { steps: 9, batch: 1 },
];

describe('the oracle', () => {
  test.each(zoneKinds)('%s: gradients are slopes', (kind) => {
    const spec = pairOf(kind, { hiddenSize: 4, blocks: hasBlocks(kind) ? 2 : 1 });
    const scene = { ...scenes[0]!, withState: true };
    const plain = randomBatch(spec, { kind: 'steps' }, { ...scene, seed: 3 });
    expectSlopes(spec, randomWeights(spec, 4), { ...plain, keeps: keepsOf(spec, 5, 0) });
  });

  test.each(zoneKinds)('%s: without lots it is the oracle of inference', (kind) => {
    const spec = pairOf(kind, { hiddenSize: 4 });
    const weights = randomWeights(spec, 4, 0.8, true) as Parameters<typeof runOracle>[1];
    const batch = randomBatch(spec, { kind: 'steps' }, { ...scenes[2]!, seed: 3 });
    const { logits, state } = trainOracle(spec, weights, batch);
    const { y, state: expected } = runOracle(spec, weights, batch.x, batch);
    const near = (a: ArrayLike<number>, b: ArrayLike<number>) => {
      expect(a.length).toBe(b.length);
      // Rates are f32 in the one and f64 in the other.
      for (let i = 0; i < a.length; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThan(1e-6);
    };
    near(logits, y);
    for (const [k, { h, c }] of expected.entries()) {
      near(state[k]!.h, h);
      if (c !== undefined) near(state[k]!.c!, c);
    }
  });
});

describe.each(availableKernels())('%s', (kernels) => {
  it.each(zoneKinds.filter(hasBlocks))('%s: so they are in blocks of different sizes', async (kind) => {
    const turn = zoneKinds.indexOf(kind);
    const blockSizes = turn % 2 === 0 ? [5, 1, 1, 4] : [...new Array<number>(34).fill(1), 3, 3];
    const hiddenSize = blockSizes.reduce((sum, size) => sum + size, 0);
    const { layers } = pairOf(kind, { hiddenSize });
    const ragged = layers.map((layer) => {
      if (layer.kind === 'linear') return layer;
      const { blocks: _, ...rest } = layer as LayerSpec & { blocks?: number };
      return { ...rest, blockSizes } as LayerSpec;
    });
    const spec: ModelSpec = { layers: ragged };
    const weights = randomWeights(spec, turn, 0.6, true);
    const plain = randomBatch(spec, { kind: 'steps' }, { ...scenes[turn % scenes.length]!, seed: turn });
    (plain.targets as Int32Array)[0] = 0;
    const trainer = await trainerOf(spec, weights, plain, { seed: turn, kernels });
    for (let step = 0; step < 2; step++)
      await expectOracle(trainer, weights, { ...plain, keeps: keepsOf(spec, turn, step) });
    trainer.dispose();
  });

  it.each(zoneKinds)('%s: gradients are the oracle’s of the same lots', async (kind) => {
    const turn = zoneKinds.indexOf(kind);
    for (const [k, sizes] of structures.entries()) {
      if (sizes.blocks !== undefined && !hasBlocks(kind)) continue;
      const spec = pairOf(kind, sizes);
      const weights = randomWeights(spec, k, 0.8, true);
      const { lengths, ...scene } = scenes[(turn + k) % scenes.length]!;
      const loss = k === 1 ? ({ kind: 'sequence', pool: 'mean' } as const) : ({ kind: 'steps' } as const);
      // An empty stream has no mean.
      const own = k === 1 ? lengths?.map((length) => length || 1) : lengths;
      const given = { ...scene, ...(own === undefined ? {} : { lengths: own }) };
      const plain = randomBatch(spec, loss, { ...given, seed: k + turn });
      if (plain.targets instanceof Int32Array) plain.targets[0] = 0;
      const seed = k * 1_000_003 - turn;
      const trainer = await trainerOf(spec, weights, plain, { seed, kernels });
      // Steps of rate 0 change no weight, but in each others keep their states.
      for (let step = 0; step < 2; step++) {
        const batch = { ...plain, keeps: keepsOf(spec, seed, step) };
        await expectOracle(trainer, weights, batch, { what: `${JSON.stringify(sizes)}, step ${step}` });
        const { state } = trainOracle(spec, weights, batch);
        for (const [layer, { h, c }] of trainer.save().carried.layers.entries()) {
          expectNear(h, state[layer]!.h);
          if (c !== undefined) expectNear(c, state[layer]!.c!);
        }
      }
      trainer.dispose();
    }
  });

  it.each(zoneKinds)('%s: evaluation takes the mean, as a run does', async (kind) => {
    const spec = pairOf(kind, { hiddenSize: 6 });
    const weights = randomWeights(spec, 3, 0.8, true);
    for (const scene of scenes) {
      const batch = randomBatch(spec, { kind: 'steps' }, { ...scene, withState: false, seed: 8 });
      if (batch.targets instanceof Int32Array) batch.targets[0] = 0;
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await trainer.step(batchOf(batch), 0);
      const expected = trainOracle(spec, weights, batch);
      const { loss, hits } = await trainer.evaluate(batchOf(batch));
      expect(loss).toBeCloseTo(expected.loss, 5);
      expect(hits).toBe(expected.hits);
      trainer.dispose();
    }
  });

  it('what is kept is kept to the bit, and as much as the rate says', async () => {
    const [hiddenSize, streams] = [203, 6];
    const [zoneout, zoneoutCell] = [0.3, 0.85];
    const sizes = { name: 'a', inputSize: 3, hiddenSize, blocks: 7 };
    const layer: RecurrentLayerSpec = { kind: 'lstm', ...sizes, zoneout, zoneoutCell };
    const spec: ModelSpec = {
      layers: [layer, { kind: 'linear', name: 'out', inputSize: hiddenSize, outputSize: 2 }],
    };
    const weights = randomWeights(spec, 1, 0.5, true);
    const plain = randomBatch(
      spec,
      { kind: 'steps' },
      { steps: 1, batch: streams, seed: 4, withState: true },
    );
    plain.targets = new Int32Array(streams);
    const seed = 77;
    const trainer = await trainerOf(spec, weights, plain, { seed, kernels });
    const kept = { h: 0, c: 0, both: 0 };
    const steps = 24;
    for (let step = 0; step < steps; step++) {
      await carryOver(trainer, plain);
      const [before] = trainer.save().carried.layers;
      await trainer.step(batchOf(plain), 0);
      const [after] = trainer.save().carried.layers;
      const keeps = keepsOf(spec, seed, step);
      for (let b = 0; b < streams; b++) {
        for (let u = 0; u < hiddenSize; u++) {
          const at = b * hiddenSize + u;
          const [h, c] = (['h', 'c'] as const).map((state) => keeps(0, b, state, u));
          expect(after!.h[at] === before!.h[at]).toBe(h);
          expect(after!.c![at] === before!.c![at]).toBe(c);
          kept.h += Number(h);
          kept.c += Number(c);
          kept.both += Number(h && c);
        }
      }
    }
    trainer.dispose();
    const count = steps * streams * hiddenSize;
    // Hoeffding: fair lots stray further than this once in 10^12.
    const stray = Math.sqrt((count * Math.log(2e12)) / 2);
    expect(Math.abs(kept.h - zoneout * count)).toBeLessThanOrEqual(stray);
    expect(Math.abs(kept.c - zoneoutCell * count)).toBeLessThanOrEqual(stray);
    // Each has lots of its own.
    expect(Math.abs(kept.both - zoneout * zoneoutCell * count)).toBeLessThanOrEqual(stray);
  });

  it('a rate of 1 keeps everything, and nothing comes back to the cell', async () => {
    for (const cell of ['lstm', 'gruAfter', 'gruBefore', 'elmanTanh'] as const) {
      const cellRate = cell === 'lstm' ? { zoneoutCell: 1 } : {};
      const layer = { ...layerOf(cell, 'a', 3, 10, 2), zoneout: 1, ...cellRate } as RecurrentLayerSpec;
      const spec: ModelSpec = {
        layers: [layer, { kind: 'linear', name: 'out', inputSize: 10, outputSize: 2 }],
      };
      const weights = randomWeights(spec, 1, 0.8, true);
      const plain = randomBatch(spec, { kind: 'steps' }, { steps: 4, batch: 3, seed: 4, withState: true });
      plain.targets = new Int32Array(12);
      const trainer = await trainerOf(spec, weights, plain, { kernels });
      await carryOver(trainer, plain);
      const before = trainer.save().carried.layers[0]!;
      const gradients = await trainer.gradients(batchOf(plain));
      for (const [name, { data }] of Object.entries(gradients))
        expect(data.some((g) => g !== 0)).toBe(name.startsWith('out'));
      await trainer.step(batchOf(plain), 0);
      const after = trainer.save().carried.layers[0]!;
      expectSameBytes(after.h, before.h);
      if (cell === 'lstm') expectSameBytes(after.c!, before.c!);
      trainer.dispose();
    }
  });
});

test('a rate of 0 is none', async () => {
  for (const cell of ['lstm', 'gruAfter', 'gruBefore', 'elmanRelu'] as const) {
    const plain = layerOf(cell, 'a', 3, 10, 2);
    const rates = { zoneout: 0, ...(cell === 'lstm' ? { zoneoutCell: 0 } : {}) };
    const trained = async (layer: RecurrentLayerSpec) => {
      const spec: ModelSpec = {
        layers: [layer, { kind: 'linear', name: 'out', inputSize: 10, outputSize: 2 }],
      };
      const weights = randomWeights(spec, 1, 0.8, true);
      const batch = randomBatch(spec, { kind: 'steps' }, { steps: 4, batch: 3, seed: 4 });
      const trainer = await trainerOf(spec, weights, batch);
      await trainer.step(batchOf(batch), 0.1);
      const { bytes } = trainer;
      return { bytes, tensors: trainer.tensors() };
    };
    const [none, zero] = [await trained(plain), await trained({ ...plain, ...rates } as RecurrentLayerSpec)];
    expectSameTensors(zero.tensors, none.tensors);
    expect(zero.bytes).toBe(none.bytes);
  }
});

test('lots are of the seed, the step and the layer, not of how often one asks', async () => {
  const spec = pairOf('lstm, of both', { hiddenSize: 6 });
  const weights = randomWeights(spec, 1, 0.8, true);
  const batch = batchOf(randomBatch(spec, { kind: 'steps' }, { steps: 5, batch: 3, seed: 1 }));
  const open = (seed: number) =>
    createTrainer(spec, optionsOf({ seed, tensors: weights as ReturnType<Trainer['tensors']> }));
  const losses = async (seed: number) => {
    const trainer = await open(seed);
    const found: number[] = [];
    for (let step = 0; step < 3; step++) {
      await gradientsAreTheSame(trainer, batch);
      found.push((await trainer.step(batch, 0)).loss);
    }
    trainer.dispose();
    return found;
  };
  const [first, again, other] = [await losses(1), await losses(1), await losses(2)];
  expect(again).toEqual(first);
  expect(new Set([...first, ...other]).size).toBe(6);
});

async function gradientsAreTheSame(trainer: Trainer, batch: Batch): Promise<void> {
  const first = await trainer.gradients(batch);
  await trainer.evaluate(batch);
  expectSameTensors(await trainer.gradients(batch), first);
}

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  // A few steps of f32: what was drawn wrongly is further off.
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(actual[i]! - expected[i]!), `[${i}]`).toBeLessThan(
      1e-5 * Math.max(1, Math.abs(expected[i]!)),
    );
}
