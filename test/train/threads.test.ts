import { afterAll, describe, expect, test } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import {
  type Batch,
  createTrainer,
  type Score,
  type Trainer,
  type TrainerOptions,
  type TrainerState,
} from '#dist/train-node.js';
import type { KernelSet } from '#dist/wasm/features.js';
import { layerOf } from '../session/draw.js';
import { normedTower, randomBatch, randomWeights, secondTower, tower } from './batches.js';
import type { OracleLoss } from './oracle.js';
import { batchOf, expectSameTensors, f32Of, optionsOf } from './trained.js';
import { zoneTower } from './zoned.js';

const tied: ModelSpec = {
  layers: [
    { kind: 'embedding', name: 'e', count: 37, size: 20 },
    layerOf('lstm', 'a', 20, 36, 3),
    layerOf('gruAfter', 'b', 36, 20, 20),
    { kind: 'linear', name: 'out', inputSize: 20, outputSize: 37 },
  ],
};

/** Parts, streams, rows and columns are shared out in every way: more of each than threads, and fewer. */
const cases: Record<string, { spec: ModelSpec; loss?: OracleLoss; options?: Partial<TrainerOptions> }> = {
  dense: { spec: tower(17, 1) },
  'two blocks': { spec: tower(18, 2), options: { dropout: 0.3 } },
  'five blocks, sequences': { spec: tower(15, 5), loss: { kind: 'sequence', pool: 'mean' } },
  diagonal: { spec: tower(70, 70), loss: { kind: 'sequence', pool: 'last' }, options: { dropout: 0.5 } },
  'other cells, dense': { spec: secondTower(17, 1), options: { dropout: 0.3 } },
  'other cells, two blocks': { spec: secondTower(18, 2), loss: { kind: 'sequence', pool: 'mean' } },
  'other cells, diagonal': { spec: secondTower(70, 70) },
  'normed cells, dense': { spec: normedTower(17, 1), options: { dropout: 0.3 } },
  'normed cells, two blocks': { spec: normedTower(18, 2), loss: { kind: 'sequence', pool: 'mean' } },
  'normed cells, diagonal': { spec: normedTower(70, 70) },
  'zoneout, dense': { spec: zoneTower(17, 1, 5), options: { dropout: 0.3 } },
  'zoneout, two blocks': { spec: zoneTower(18, 2, 5), loss: { kind: 'sequence', pool: 'mean' } },
  'zoneout, diagonal': { spec: zoneTower(70, 70, 5) },
  'tied, CTC': { spec: tied, loss: { kind: 'ctc' }, options: { tie: true, dropout: 0.1 } },
  'a graph of everything, dropout': { spec: wide(37), options: { dropout: 0.2 } },
  'blocks, and rows of one column': { spec: columns(40), options: { dropout: 0.1 } },
  'blocks of inputs': { spec: reading(12), options: { dropout: 0.1 } },
  'blocks of different sizes': { spec: uneven(), options: { dropout: 0.2 } },
  strips: {
    spec: strips(),
    options: { dropout: 0.2, tensors: f32Of(randomWeights(strips(), 3, 0.4, true)) },
  },
  'many blocks of inputs': { spec: reading(60), loss: { kind: 'sequence', pool: 'last' } },
  'layers that feed back, dropout': { spec: core(36), options: { dropout: 0.2 } },
  'layers that feed back, narrow, sequences': { spec: core(4), loss: { kind: 'sequence', pool: 'last' } },
  'a narrow one, sequences': { spec: wide(3), loss: { kind: 'sequence', pool: 'mean' } },
};

/** Weights of one column, whose rows' gradients different workers add to, and linear layers in blocks. */
function columns(size: number): ModelSpec {
  return {
    layers: [
      { kind: 'linear', name: 'in', inputSize: 1, outputSize: size },
      { kind: 'linear', name: 'blocks', inputSize: size, outputSize: size / 4, blocks: 5 },
      { kind: 'linear', name: 'spread', inputSize: size / 4, outputSize: size, blocks: size / 4 },
      layerOf('elmanTanh', 'a', size, 1),
      layerOf('gruAfter', 'b', 1, size, 5),
      { kind: 'linear', name: 'out', inputSize: size, outputSize: 25, blocks: 5 },
    ],
  };
}

/** Blocks of different sizes: more of one size than threads, and single ones. */
function uneven(): ModelSpec {
  const shared = { inputSize: 30, hiddenSize: 30 };
  return {
    layers: [
      { kind: 'linear', name: 'in', inputSize: 2, outputSize: 30 },
      { kind: 'lstm', name: 'a', ...shared, blockSizes: [4, 4, 4, 4, 14] },
      { kind: 'gru', name: 'b', ...shared, blockSizes: [9, 1, 1, 1, 1, 17] },
      { kind: 'slstm', name: 'c', ...shared, blockSizes: [2, 2, 10, 10, 6] },
      { kind: 'linear', name: 'out', inputSize: 30, outputSize: 9 },
    ],
  };
}

/** Recurrent layers of strips: of each shape, with more rows of strips than threads, and fewer; most of them overlap. */
function strips(): ModelSpec {
  const shared = { inputSize: 30, hiddenSize: 30 };
  return {
    layers: [
      { kind: 'linear', name: 'in', inputSize: 2, outputSize: 30 },
      { kind: 'lstm', name: 'a', ...shared, strips: { shape: '8x4', count: 70, diagonal: true } },
      { kind: 'gru', name: 'b', ...shared, strips: { shape: '16x1', count: 50 } },
      {
        kind: 'gru',
        name: 'c',
        ...shared,
        resetAfter: false,
        strips: { shape: '4x4', count: 90, diagonal: true },
      },
      { kind: 'elman', name: 'd', ...shared, strips: { shape: '16x1', count: 9, diagonal: true } },
      { kind: 'linear', name: 'out', inputSize: 30, outputSize: 9 },
    ],
  };
}

/** Recurrent layers whose units read blocks of inputs: as many as there are blocks, fewer, more, and one a unit. */
function reading(size: number): ModelSpec {
  const shared = { inputSize: size, hiddenSize: size };
  return {
    layers: [
      { kind: 'linear', name: 'in', inputSize: 2, outputSize: size },
      { kind: 'lstm', name: 'a', ...shared, blocks: 3, inputBlocks: 3 },
      { kind: 'gru', name: 'b', ...shared, blocks: 4, inputBlocks: 6 },
      { kind: 'elman', name: 'c', ...shared, blocks: size, inputBlocks: 2 },
      { kind: 'slstm', name: 'd', ...shared, inputBlocks: size },
      { kind: 'sru', name: 'e', ...shared, inputBlocks: 3 },
      { kind: 'linear', name: 'out', inputSize: size, outputSize: 9 },
    ],
  };
}

/** Every layer that plain stacks have not, as wide as it takes for each thread to have some of everything. */
function wide(size: number): ModelSpec {
  const shared = { inputSize: size, hiddenSize: size, blocks: size };
  return {
    layers: [
      { kind: 'embedding', name: 'e', count: 9, size },
      { kind: 'conv', name: 'conv', size, width: 4 },
      { kind: 'norm', name: 'norm', size },
      { kind: 'gru', name: 'a', ...shared },
      { kind: 'scale', name: 'scale', size },
      { kind: 'activation', name: 'silu', activation: 'silu' },
      { kind: 'combine', name: 'sum', combine: 'add', inputs: ['silu', 'e', 'norm'] },
      { kind: 'shuffle', name: 'mix', size },
      { kind: 'delay', name: 'delay', size, steps: 2 },
      { kind: 'slice', name: 'some', inputSize: 2 * size, from: 1, to: size + 1, inputs: ['delay', 'sum'] },
      { kind: 'combine', name: 'product', combine: 'multiply', inputs: ['some', 'a'] },
      { kind: 'activation', name: 'under', activation: 'softplus', inputs: ['sum'] },
      { kind: 'combine', name: 'quotient', combine: 'divide', inputs: ['product', 'under'] },
      { kind: 'norm', name: 'last', size: 2 * size, norm: 'rms', inputs: ['quotient', 'delay'] },
      { kind: 'linear', name: 'out', inputSize: 2 * size, outputSize: 9 },
    ],
  };
}

/** Loops behind each other, of everything that may be in one. */
function core(size: number): ModelSpec {
  return {
    layers: [
      { kind: 'embedding', name: 'e', count: 9, size },
      { kind: 'delay', name: 'before', size, inputs: ['h'] },
      { kind: 'linear', name: 'blocks', inputSize: size, outputSize: size, blocks: size / 4 },
      { kind: 'norm', name: 'norm', size, norm: 'rms' },
      { kind: 'conv', name: 'conv', size, width: 3 },
      { kind: 'activation', name: 'silu', activation: 'silu' },
      { kind: 'linear', name: 'dense', inputSize: 2 * size, outputSize: size, inputs: ['silu', 'e'] },
      { kind: 'scale', name: 'scale', size },
      { kind: 'activation', name: 'gate', activation: 'sigmoid' },
      { kind: 'combine', name: 'difference', combine: 'subtract', inputs: ['silu', 'before'] },
      { kind: 'combine', name: 'change', combine: 'multiply', inputs: ['gate', 'difference'] },
      { kind: 'combine', name: 'h', combine: 'add', inputs: ['before', 'change'] },
      { kind: 'gru', name: 'gru', inputSize: size, hiddenSize: size, blocks: 2 },
      { kind: 'delay', name: 'far', size: 3, steps: 2, inputs: ['few'] },
      { kind: 'linear', name: 'few', inputSize: size + 3, outputSize: 3, inputs: ['gru', 'far'] },
      { kind: 'linear', name: 'out', inputSize: size + 3, outputSize: 9, inputs: ['few', 'h'] },
    ],
  };
}

const measures = [
  { steps: 7, batch: 5 },
  { steps: 1, batch: 1 },
  { steps: 12, batch: 2 },
  { steps: 12, batch: 2 },
  { steps: 7, batch: 5, lengths: [7, 1, 3, 7, 2] },
];

function drawBatches(spec: ModelSpec, loss: OracleLoss): Batch[] {
  return measures.map((given, k) => {
    const batch = batchOf(randomBatch(spec, loss, { ...given, seed: k }));
    if (batch.targets instanceof Int32Array) batch.targets[0] = 1;
    return { ...batch, carry: k % 2 === 1 };
  });
}

const opened: Trainer[] = [];
afterAll(() => {
  for (const trainer of opened) trainer.dispose();
});

/** Some steps, evaluations between them, and what is left in the end. */
async function train(
  name: string,
  threads: number,
  kernels: KernelSet,
): Promise<{ scores: Score[]; state: TrainerState }> {
  const { spec, loss = { kind: 'steps' }, options } = cases[name]!;
  const trainer = await createTrainer(
    spec,
    optionsOf({
      loss,
      optimizer: { kind: 'adam', weightDecay: 0.01 },
      clip: 1,
      seed: 3,
      threads,
      kernels,
      ...options,
    }),
  );
  opened.push(trainer);
  expect(trainer.threads).toBe(threads);
  const batches = drawBatches(trainer.spec, loss);
  const scores: Score[] = [];
  for (const batch of batches) {
    scores.push(await trainer.step(batch, 0.01));
    scores.push(await trainer.evaluate(batch));
  }
  const state = trainer.save();
  trainer.dispose();
  return { scores, state };
}

describe.each(availableKernels())('%s: any number of threads gives the same bytes', (kernels) => {
  test.each(Object.keys(cases))('%s', async (name) => {
    const expected = await train(name, 1, kernels);
    expect(expected.scores.every(({ loss }) => loss > 0)).toBe(true);
    for (const threads of [2, 3]) {
      const { scores, state } = await train(name, threads, kernels);
      expect(scores).toEqual(expected.scores);
      expectSameTensors(state.tensors, expected.state.tensors);
      expect(state.carried).toEqual(expected.state.carried);
      expect(state.steps).toBe(measures.length);
    }
  });
});
