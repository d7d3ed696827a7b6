import { cellOf } from '#dist/model/cells.js';
import { endOf } from '#dist/model/recurrent.js';
import {
  blockSizesOf,
  blocksOf,
  directionsOf,
  isRecurrent,
  type ModelSpec,
  outputsOf,
} from '#dist/model/spec.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';

/**
 * The same model with every layer in blocks written as the dense one that holds its weights and zeros elsewhere. Of what
 * recurs weight_hh [G H, D] becomes [G H, H], row g H + n D + i filling columns n D .. n D + D - 1.
 */
export function expandToDense(spec: ModelSpec, tensors: Tensors): { spec: ModelSpec; tensors: Tensors } {
  const read = expandInputs(spec, tensors);
  const dense = { ...read.tensors };
  const layers = read.spec.layers.map((layer) => {
    if (!isRecurrent(layer) || !cellOf(layer).recurs || outputsOf(layer) !== layer.hiddenSize) return layer;
    for (const direction of directionsOf(layer)) {
      const name = `${layer.name}.weight_hh${endOf(direction)}`;
      const sizes = blockSizesOf(layer);
      dense[name] =
        sizes === undefined
          ? expandRows(dense[name]!, layer.hiddenSize, layer.hiddenSize / blocksOf(layer))
          : expandRagged(dense[name]!, sizes);
    }
    if (blockSizesOf(layer) !== undefined) {
      const { blockSizes: _, ...one } = layer as typeof layer & { blockSizes: number[] };
      return { ...one, blocks: 1 };
    }
    return 'blocks' in layer ? { ...layer, blocks: 1 } : layer;
  });
  return { spec: { layers }, tensors: dense };
}

/** weight_hh [G H, D] becomes [G H, H]: of a row of a block of some size so many values fill its own columns. */
function expandRagged({ shape, data }: Tensor, sizes: readonly number[]): Tensor {
  const [rows, width] = shape as [number, number];
  const owners = sizes.flatMap((size, n) => new Array<number>(size).fill(n));
  const hidden = owners.length;
  const wide = new Float32Array(rows * hidden);
  for (let row = 0; row < rows; row++) {
    const first = owners.indexOf(owners[row % hidden]!);
    for (let k = 0; k < sizes[owners[row % hidden]!]!; k++)
      wide[row * hidden + first + k] = data[row * width + k]!;
  }
  return { shape: [rows, hidden], data: wide };
}

/** The same model with what does not recur dense: linear layers, and what recurrent layers read. */
export function expandInputs(spec: ModelSpec, tensors: Tensors): { spec: ModelSpec; tensors: Tensors } {
  const dense: Tensors = { ...tensors };
  const layers = spec.layers.map((layer) => {
    if (layer.kind === 'linear') {
      const { blocks = 1, ...one } = layer;
      const name = `${layer.name}.weight`;
      dense[name] = expandColumns(tensors[name]!, layer.outputSize, blocks);
      return one;
    }
    if (!isRecurrent(layer)) return layer;
    const { inputBlocks = 1, ...one } = layer;
    for (const direction of directionsOf(layer)) {
      const name = `${layer.name}.weight_ih${endOf(direction)}`;
      dense[name] = expandColumns(tensors[name]!, layer.hiddenSize, inputBlocks);
    }
    return one;
  });
  return { spec: { layers }, tensors: dense };
}

/** [G H, I/M] becomes [G H, I]: row g H + u fills the columns of block floor(u M / H). */
function expandColumns({ shape, data }: Tensor, hidden: number, blocks: number): Tensor {
  const [rows, width] = shape as [number, number];
  const wide = new Float32Array(rows * width * blocks);
  for (let row = 0; row < rows; row++) {
    const block = Math.floor(((row % hidden) * blocks) / hidden);
    for (let k = 0; k < width; k++) wide[(row * blocks + block) * width + k] = data[row * width + k]!;
  }
  return { shape: [rows, width * blocks], data: wide };
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
