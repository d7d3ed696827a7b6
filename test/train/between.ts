import { checkSpec } from '#dist/model/check.js';
import { type LayerSpec, type ModelSpec, outputsOf, type RecurrentLayerSpec } from '#dist/model/spec.js';
import { randomBatch } from './batches.js';
import type { OracleBatch } from './oracle.js';

/** A recurrent layer between two linear ones, so that its input has a gradient. */
export function between(layer: RecurrentLayerSpec): ModelSpec {
  const layers: LayerSpec[] = [
    { kind: 'linear', name: 'in', inputSize: 2, outputSize: layer.inputSize },
    layer,
    { kind: 'linear', name: 'out', inputSize: outputsOf(layer), outputSize: 3 },
  ];
  return checkSpec({ layers });
}

const scenes = [
  { steps: 4, batch: 3, lengths: [4, 1, 3], withState: true },
  { steps: 1, batch: 1 },
  { steps: 3, batch: 5, lengths: [3, 0, 1, 2, 3] },
  { steps: 6, batch: 1, withState: true },
];

/** A batch for such a model; every turn another scene. */
export function drawBatch(spec: ModelSpec, turn: number): OracleBatch {
  const batch = randomBatch(spec, { kind: 'steps' }, { ...scenes[turn % scenes.length]!, seed: turn });
  (batch.targets as Int32Array)[0] = 1;
  return batch;
}
