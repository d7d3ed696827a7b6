import { seededRandom } from '#dist/base/random.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { layerTensors, type Tensors } from '#dist/model/tensors.js';

/** One LSTM layer with I = H, at one shape of input. */
export interface Case {
  hidden: number;
  blocks: number;
  steps: number;
  batch: number;
}

const sizes = [64, 128, 256, 512, 1024, 2048];
const shapes = [
  { steps: 1, batch: 1 },
  { steps: 100, batch: 1 },
  { steps: 50, batch: 16 },
  { steps: 100, batch: 16 },
];

/** Every case of the table: dense, eight blocks and diagonal, of every size and shape; the longest of the largest is left out. */
export function allCases(): Case[] {
  return sizes
    .flatMap((hidden) =>
      [1, 8, hidden].flatMap((blocks) => shapes.map((shape) => ({ hidden, blocks, ...shape }))),
    )
    .filter(({ hidden, steps, batch }) => hidden * steps * batch <= 1024 * 1600);
}

export interface Workload {
  spec: ModelSpec;
  tensors: Tensors;
  x: Float32Array;
}

/** Weights uniform within 1/√H, input uniform within 1, from a fixed seed; I = H unless it says otherwise. */
export function drawLayer({
  hidden,
  blocks,
  steps,
  batch,
  inputs = hidden,
}: Case & { inputs?: number }): Workload {
  const random = seededRandom(hidden * 31 + blocks);
  const draw = (count: number, scale: number) =>
    Float32Array.from({ length: count }, () => (2 * random() - 1) * scale);
  const layer = { kind: 'lstm', name: 'lstm', inputSize: inputs, hiddenSize: hidden, blocks } as const;
  const tensors: Tensors = {};
  for (const [name, shape] of Object.entries(layerTensors(layer))) {
    const count = shape.reduce((product, size) => product * size, 1);
    tensors[name] = { shape, data: draw(count, 1 / Math.sqrt(hidden)) };
  }
  return { spec: { layers: [layer] }, tensors, x: draw(steps * batch * inputs, 1) };
}

/** Useful floating-point operations of a case; a multiply-add counts two, pointwise work is not counted. */
export function flopsOf({ hidden, blocks, steps, batch }: Case): number {
  return 2 * 4 * hidden * (hidden + hidden / blocks) * steps * batch;
}

/** Bytes of weights that every step needs. */
export function weightBytesOf({ hidden, blocks }: Case): number {
  return 4 * 4 * hidden * (hidden + hidden / blocks);
}
