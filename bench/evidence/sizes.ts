import { cellOf } from '#dist/model/cells.js';
import { blocksOf, isRecurrent, type ModelSpec } from '#dist/model/spec.js';
import { layerTensors } from '#dist/model/tensors.js';

/** The networks that are compared: the same H in as many blocks, and eight blocks as wide as the dense one's multiply-adds allow. */
export const structures = ['dense', 'blocks-4', 'blocks-8', 'blocks-16', 'diagonal', 'widened-8'] as const;
export type Structure = (typeof structures)[number];

/** A stack for H units in N blocks. */
export type Stack = (hidden: number, blocks: number) => ModelSpec;

/** The network of a structure, where the dense one has `hidden` units. */
export function buildSpec(stack: Stack, structure: Structure, hidden: number): ModelSpec {
  switch (structure) {
    case 'dense':
      return stack(hidden, 1);
    case 'diagonal':
      return stack(hidden, hidden);
    case 'widened-8':
      return stack(widen(stack, hidden, 8), 8);
    default:
      return stack(hidden, Number(structure.slice('blocks-'.length)));
  }
}

/** The H, a multiple of N, with which N blocks come nearest to the multiply-adds of the dense network of `hidden` units. */
export function widen(stack: Stack, hidden: number, blocks: number): number {
  const wanted = countMultiplyAdds(stack(hidden, 1));
  const cost = (each: number) => countMultiplyAdds(stack(each, blocks));
  let wide = hidden;
  while (cost(wide) < wanted) wide += blocks;
  return wanted - cost(wide - blocks) < cost(wide) - wanted ? wide - blocks : wide;
}

/** Multiply-adds of one step of one stream: the matrices; a look-up costs none, pointwise work is not counted. */
export function countMultiplyAdds({ layers }: ModelSpec): number {
  return layers.reduce((sum, layer) => {
    if (layer.kind === 'linear') return sum + layer.inputSize * layer.outputSize;
    if (!isRecurrent(layer)) return sum;
    const inner = layer.hiddenSize / blocksOf(layer);
    return sum + cellOf(layer).gates * layer.hiddenSize * (layer.inputSize + inner);
  }, 0);
}

export interface Parameters {
  /** those of weight_hh, which structure makes fewer */
  recurrent: number;
  total: number;
}

/** @param isTied whether the decoder has the embedding's weights, which then count once */
export function countParameters({ layers }: ModelSpec, isTied = false): Parameters {
  const count = { recurrent: 0, total: 0 };
  for (const layer of layers) {
    for (const [name, shape] of Object.entries(layerTensors(layer))) {
      const size = shape.reduce((product, each) => product * each, 1);
      count.total += size;
      if (name.endsWith('.weight_hh')) count.recurrent += size;
    }
    if (isTied && layer.kind === 'embedding') count.total -= layer.count * layer.size;
  }
  return count;
}
