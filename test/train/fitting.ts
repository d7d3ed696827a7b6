import type { ModelSpec } from '#dist/model/spec.js';
import type { Batch, FitOptions } from '#dist/train-node.js';
import { layerOf } from '../session/draw.js';
import { randomBatch } from './batches.js';
import { batchOf } from './trained.js';

/** Small, and with everything whose state must survive: both kinds of state, moments, dropout. */
export const smallSpec: ModelSpec = {
  layers: [
    { kind: 'embedding', name: 'e', count: 7, size: 5 },
    layerOf('lstm', 'a', 5, 6, 2),
    layerOf('gruBefore', 'b', 6, 9, 9),
    { kind: 'linear', name: 'out', inputSize: 9, outputSize: 7 },
  ],
};

/** Cells whose state is more, or other than h and c of as many units. */
export const otherSpec: ModelSpec = {
  layers: [
    { kind: 'embedding', name: 'e', count: 7, size: 5 },
    { kind: 'sru', name: 'a', inputSize: 5, hiddenSize: 5 },
    { kind: 'qrnn', name: 'b', inputSize: 5, hiddenSize: 6 },
    { kind: 'slstm', name: 'c', inputSize: 6, hiddenSize: 6, blocks: 2 },
    { kind: 'linear', name: 'out', inputSize: 6, outputSize: 7 },
  ],
};

/** Layers that keep some of their states. */
export const zoneSpec: ModelSpec = {
  layers: [
    { kind: 'embedding', name: 'e', count: 7, size: 5 },
    { kind: 'lstm', name: 'a', inputSize: 5, hiddenSize: 6, blocks: 2, zoneout: 0.3, zoneoutCell: 0.5 },
    { kind: 'gru', name: 'b', inputSize: 6, hiddenSize: 6, zoneout: 0.2 },
    { kind: 'linear', name: 'out', inputSize: 6, outputSize: 7 },
  ],
};

export const epochSteps = 5;

/** Batches of an epoch, different ones in each; all but the first carry on. */
export function drawEpoch(epoch: number, count = epochSteps): Batch[] {
  return Array.from({ length: count }, (_, k) => ({
    ...batchOf(randomBatch(smallSpec, { kind: 'steps' }, { steps: 4, batch: 3, seed: 100 * epoch + k })),
    carry: k > 0,
  }));
}

/** Three epochs with everything on. */
export function fitOptions(given: Partial<FitOptions> = {}): FitOptions {
  return {
    spec: smallSpec,
    loss: { kind: 'steps' },
    optimizer: { kind: 'adam' },
    clip: 1,
    dropout: 0.2,
    seed: 4,
    kernels: 'simd',
    capacity: { steps: 4, batch: 3 },
    batches: drawEpoch,
    epochs: 3,
    learningRate: 0.01,
    validate: () => drawEpoch(99, 2).map((batch) => ({ ...batch, carry: true })),
    ...given,
  };
}
