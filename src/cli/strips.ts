import { type SparsifyOptions, sparsify } from '../formats/strips.js';
import { depthOf } from '../model/blocks.js';
import { cellOf } from '../model/cells.js';
import { blockSizesOf, blocksOf, type RecurrentLayerSpec, stripsOf } from '../model/spec.js';
import { stripWeights } from '../model/strips.js';
import type { ModelFile } from '../model/tensors.js';
import type { Arguments } from './arguments.js';
import { count } from './numbers.js';
import { UsageError } from './usage-error.js';

/** Options of a command that can keep strips of recurrent weights alone. */
export const stripOptions = {
  strips: {
    type: 'string',
    value: 'SHAPE',
    help: 'keep strips of dense recurrent weights alone: 8x4, 16x1, 4x4, or auto',
  },
  density: {
    type: 'string',
    value: 'X',
    help: 'part to keep, or one a gate: 0.1,0.1,0.2; default: all but zeros',
  },
} as const;

/** @returns undefined when no strips are asked for */
export function readStripOptions(args: Arguments): SparsifyOptions | undefined {
  const shape = args.choice('strips', ['auto', '8x4', '16x1', '4x4']);
  const text = args.text('density');
  if (shape === undefined) {
    if (text !== undefined) throw new UsageError('--density is for --strips');
    return undefined;
  }
  if (text === undefined || text === 'auto') return { shape };
  const all = text.split(',').map((part) => (/^(?:\d+\.?\d*|\.\d+)$/.test(part) ? Number(part) : Number.NaN));
  if (!all.every((each) => each <= 1))
    throw new UsageError(`--density must be auto or numbers within 0..1, got ${JSON.stringify(text)}`);
  return { shape, density: all.length === 1 ? all[0]! : all };
}

/** The model with strips, where they are asked for. */
export function keepStrips<F extends ModelFile>(file: F, options: SparsifyOptions | undefined): F {
  return options === undefined ? file : { ...file, ...sparsify(file, options) };
}

/** The structure of a layer's recurrent weights in words. */
export function describeStructure(layer: RecurrentLayerSpec): string {
  const { hiddenSize } = layer;
  const strips = stripsOf(layer);
  if (strips !== undefined) {
    const kept = `${count(strips.count)} strips of ${strips.shape.replace('x', '×')}`;
    const { gates } = cellOf(layer);
    const part = stripWeights(strips, gates, hiddenSize) / (gates * hiddenSize ** 2);
    return `${kept}${strips.diagonal ? ' and the diagonal' : ''} (${(part * 100).toFixed(1)} %)`;
  }
  const blocks = blocksOf(layer);
  if (blockSizesOf(layer) !== undefined) return `${count(blocks)} blocks of up to ${count(depthOf(layer))}`;
  return blocks === 1 ? '1 block (dense)' : `${count(blocks)} blocks of ${count(hiddenSize / blocks)}`;
}
