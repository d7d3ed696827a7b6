import type { Tensor } from 'blockrnn';
import { seededRandom } from '#dist/base/random.js';

/** I and T of everything that is measured; B is 1. */
export const inputs = 64;
export const steps = 100;

/** Makes the tensors of a layer of H units, each from a seed of its own: values uniform within 1/√H. */
export function makeDraw(hidden: number): (shape: number[]) => Tensor {
  let seed = 0;
  return (shape) => ({
    shape,
    data: drawValues(
      seed++,
      shape.reduce((product, size) => product * size, 1),
      1 / Math.sqrt(hidden),
    ),
  });
}

/** The recurrent weights of the first gate [H, D], which are the first of those that `makeDraw` makes: ±1. */
export function drawRecurrent(hidden: number, blocks: number): Float32Array {
  return drawValues(1, (hidden * hidden) / blocks, 1);
}

/** x [T, I], uniform within 1. */
export function drawInput(): Float32Array {
  return drawValues(-1, steps * inputs, 1);
}

export interface Sizes {
  /** weights between units */
  recurrent: number;
  /** all numbers that the layer has learned, both biases in it */
  total: number;
  /** multiply-adds of a step */
  work: number;
}

export function sizesOf(hidden: number, blocks: number): Sizes {
  const recurrent = (4 * hidden * hidden) / blocks;
  const work = 4 * hidden * inputs + recurrent;
  return { recurrent, total: work + 8 * hidden, work };
}

function drawValues(seed: number, count: number, limit: number): Float32Array {
  const random = seededRandom(seed);
  return new Float32Array(count).map(() => (2 * random() - 1) * limit);
}
