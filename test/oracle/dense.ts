import { blocksOf, isRecurrent, type ModelSpec } from '#dist/model/spec.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';

/**
 * The same model with every block layer written as the dense layer that holds its weights and zeros elsewhere:
 * weight_hh [G H, D] becomes [G H, H], row g H + n D + i filling columns n D .. n D + D - 1.
 */
export function expandToDense(spec: ModelSpec, tensors: Tensors): { spec: ModelSpec; tensors: Tensors } {
  const dense: Tensors = { ...tensors };
  const layers = spec.layers.map((layer) => {
    if (layer.kind === 'linear' && layer.blocks !== undefined) {
      const { blocks, ...one } = layer;
      const name = `${layer.name}.weight`;
      dense[name] = expandLinear(tensors[name]!, blocks);
      return one;
    }
    if (!isRecurrent(layer)) return layer;
    const name = `${layer.name}.weight_hh`;
    dense[name] = expandRows(tensors[name]!, layer.hiddenSize, layer.hiddenSize / blocksOf(layer));
    return { ...layer, blocks: 1 };
  });
  return { spec: { layers }, tensors: dense };
}

/** weight [O, I/N] becomes [O, I]: row o of block n fills its own inputs' columns. */
function expandLinear({ shape, data }: Tensor, blocks: number): Tensor {
  const [rows, width] = shape as [number, number];
  const inputs = width * blocks;
  const wide = new Float32Array(rows * inputs);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / (rows / blocks)) * width;
    for (let k = 0; k < width; k++) wide[row * inputs + first + k] = data[row * width + k]!;
  }
  return { shape: [rows, inputs], data: wide };
}

/** Rows of blocks as rows of the dense matrix. */
export function expandRows({ shape, data }: Tensor, hidden: number, units: number): Tensor {
  const rows = shape[0]!;
  const wide = new Float32Array(rows * hidden);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor((row % hidden) / units) * units;
    for (let k = 0; k < units; k++) wide[row * hidden + first + k] = data[row * units + k]!;
  }
  return { shape: [rows, hidden], data: wide };
}
