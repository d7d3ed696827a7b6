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
import { randomBatch, secondTower, tower } from './batches.js';
import type { OracleLoss } from './oracle.js';
import { batchOf, expectSameTensors, optionsOf } from './trained.js';

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
  'tied, CTC': { spec: tied, loss: { kind: 'ctc' }, options: { tie: true, dropout: 0.1 } },
};

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
