import { blockRunsOf, depthOf } from '../model/blocks.js';
import { cellOf } from '../model/cells.js';
import {
  blockSizesOf,
  blocksOf,
  isRecurrent,
  type LayerSpec,
  type ModelSpec,
  type RecurrentLayerSpec,
  stripsOf,
} from '../model/spec.js';
import { layerTensors } from '../model/tensors.js';

/** How many numbers a model, or a layer of it, has learnt. */
export interface WeightCount {
  total: number;
  /** weight_hh of the recurrent layers, and the diagonal beside strips */
  recurrent: number;
  /** weight_ih of the recurrent layers */
  input: number;
  /** embeddings, linear layers and every bias */
  other: number;
  /** weight_hh if the recurrent layers were fully connected */
  recurrentIfDense: number;
  /** multiply-adds of one step of one stream */
  work: number;
}

export function countLayer(layer: LayerSpec): WeightCount {
  const sizes = Object.entries(layerTensors(layer))
    .map(([name, shape]) => ({
      part: name.slice(layer.name.length + 1),
      matrix: shape.length === 2,
      count: shape.reduce((product, size) => product * size, 1),
    }))
    .map((size) =>
      size.part.startsWith('weight_hh') ? { ...size, count: countUsed(layer, size.count) } : size,
    )
    // Nobody has learnt where strips lie, or an order.
    .filter(({ part }) => part !== 'strips' && layer.kind !== 'shuffle');
  const sum = (chosen: typeof sizes) => chosen.reduce((total, { count }) => total + count, 0);
  const total = sum(sizes);
  if (!isRecurrent(layer)) {
    const work =
      layer.kind === 'linear' || layer.kind === 'conv' ? sum(sizes.filter(({ matrix }) => matrix)) : 0;
    return { total, recurrent: 0, input: 0, other: total, recurrentIfDense: 0, work };
  }
  const of = (field: string) => sum(sizes.filter(({ part }) => part.replace('_reverse', '') === field));
  const recurrent = of('weight_hh') + of('diagonal');
  const input = of('weight_ih');
  return {
    total,
    recurrent,
    input,
    other: total - recurrent - input,
    recurrentIfDense:
      stripsOf(layer) !== undefined
        ? cellOf(layer).gates * layer.hiddenSize ** 2
        : blockSizesOf(layer) !== undefined
          ? recurrent * (layer.hiddenSize ** 2 / pairsOf(layer))
          : recurrent * blocksIn(layer),
    work: recurrent + input + of('weight_hr'),
  };
}

/** Units that meet, of a layer's blocks: the sum of their squares. */
function pairsOf(layer: RecurrentLayerSpec): number {
  return blockRunsOf(layer).reduce((sum, { count, units }) => sum + count * units ** 2, 0);
}

/** Of weight_hh what is used: rows of blocks that differ in size are as long as the largest needs them. */
function countUsed(layer: LayerSpec, count: number): number {
  if (!isRecurrent(layer) || blockSizesOf(layer) === undefined) return count;
  return (count / (layer.hiddenSize * depthOf(layer))) * pairsOf(layer);
}

/** Into how many blocks weight_hh falls. */
function blocksIn(layer: RecurrentLayerSpec): number {
  return cellOf(layer).recurs ? blocksOf(layer) : 1;
}

export function countModel(spec: ModelSpec): WeightCount {
  const all: WeightCount = { total: 0, recurrent: 0, input: 0, other: 0, recurrentIfDense: 0, work: 0 };
  for (const layer of spec.layers) {
    const counted = countLayer(layer);
    for (const key of Object.keys(all) as (keyof WeightCount)[]) all[key] += counted[key];
  }
  return all;
}

/** N of the recurrent layers in words: '8 blocks', or '8 and 4 blocks' when they differ. */
export function nameBlocks(spec: ModelSpec): string {
  const distinct = [...new Set(spec.layers.filter(isRecurrent).map(blocksOf))];
  if (distinct.length === 1 && distinct[0] === 1) return '1 block';
  return `${distinct.join(' and ')} blocks`;
}
