import type { Tensors } from '#dist/model/tensors.js';

/** The tensors of a byte model by PyTorch's names, its lstm.0.weight_hh [4H, H/N] with zeros off its N blocks. */
export function expandBlocks(tensors: Tensors, blocks: number): Tensors {
  const dense: Tensors = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const part = /^lstm\.0\.(.*)$/.exec(name)?.[1];
    dense[part === undefined ? name : `lstm.${part}_l0`] = tensor;
  }
  const { shape, data } = tensors['lstm.0.weight_hh']!;
  const [rows, columns] = shape as [number, number];
  const hidden = columns * blocks;
  const values = new Float32Array(rows * hidden);
  for (let row = 0; row < rows; row++) {
    const block = Math.floor((row % hidden) / columns);
    values.set(data.subarray(row * columns, (row + 1) * columns), row * hidden + block * columns);
  }
  dense['lstm.weight_hh_l0'] = { shape: [rows, hidden], data: values };
  return dense;
}
