import type { Tensor } from '../../model/tensors.js';

/**
 * Puts the axes of an array in another order, each named by a letter: reorder('GHDP', 'HPGD') of [G, H, D, P] is
 * [H, P, G, D].
 * @param from the letters of its axes, one for each
 * @param to the same letters
 */
export function reorder({ shape, data }: Tensor, from: string, to: string): Tensor {
  if (from === to) return { shape: [...shape], data };
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const axes = [...to].map((letter) => from.indexOf(letter));
  const sizes = axes.map((axis) => shape[axis]!);
  const counter = new Array<number>(sizes.length).fill(0);
  const values = new Float32Array(data.length);
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    values[i] = data[at]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at += strides[axes[axis]!]!;
      if (++counter[axis]! < sizes[axis]!) break;
      at -= strides[axes[axis]!]! * sizes[axis]!;
      counter[axis] = 0;
    }
  }
  return { shape: sizes, data: values };
}

/**
 * Gates in another order: gate g of the result is gate order[g] of the source, zeros where that is undefined.
 * @param size values of a gate
 */
export function pickGates(
  data: Float32Array,
  order: readonly (number | undefined)[],
  size: number,
): Float32Array {
  const picked = new Float32Array(order.length * size);
  for (const [gate, source] of order.entries())
    if (source !== undefined) picked.set(data.subarray(source * size, (source + 1) * size), gate * size);
  return picked;
}
