import { readFileSync } from 'node:fs';
import type { Tensor, Tensors } from '#dist/model/tensors.js';

interface Values {
  shape: number[];
  data: number[];
}
/** Layers that make-flashrnn.py has made and run, by their functions. */
const made = JSON.parse(readFileSync(new URL('flashrnn.json', import.meta.url), 'utf8')) as {
  models: Record<string, Record<'R' | 'W' | 'b' | 'x' | 'y', Values>>;
};
export const flashrnnModels = made.models;

/** The weights of a layer, with R and b in the order that is asked for. */
export function flashrnnWeights(name: string, order = 'GHDP', biasOrder = 'GHD', prefix = ''): Tensors {
  const { R, W, b } = made.models[name]!;
  return {
    [`${prefix}R`]: inOrder(R, 'GHDP', order),
    [`${prefix}W`]: inOrder(W, 'GHDI', 'GHDI'),
    [`${prefix}b`]: inOrder(b, 'GHD', biasOrder),
  };
}

/** Element by element, each at the place that its letters give it. */
function inOrder({ shape, data }: Values, from: string, to: string): Tensor {
  const sizes = [...to].map((letter) => shape[from.indexOf(letter)]!);
  const values = new Float32Array(data.length);
  for (const [index, value] of data.entries()) {
    let rest = index;
    const at: Record<string, number> = {};
    for (const letter of [...from].reverse()) {
      const size = shape[from.indexOf(letter)]!;
      at[letter] = rest % size;
      rest = Math.floor(rest / size);
    }
    values[[...to].reduce((place, letter, axis) => place * sizes[axis]! + at[letter]!, 0)] = value;
  }
  return { shape: sizes, data: values };
}
