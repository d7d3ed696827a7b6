import { MismatchError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { kindOf } from './kinds.js';
import { isRecurrent, type LayerSpec, type ModelSpec } from './spec.js';
import { sourcesOf } from './wiring.js';

/**
 * The order of a shuffle, which may come from anywhere.
 * @param values as many as it has features
 * @throws MismatchError unless each whole number below their count comes once
 */
export function readOrder(name: string, values: ArrayLike<number>): Int32Array {
  const { length } = values;
  const isTaken = new Uint8Array(length);
  return Int32Array.from(values, (value, at) => {
    if (Number.isInteger(value) && value >= 0 && value < length && isTaken[value] === 0) {
      isTaken[value] = 1;
      return value;
    }
    throw new MismatchError(
      `tensor ${show(`${name}.order`)}: value ${at} is ${show(value)}; each whole number within 0..${length - 1} must come once.`,
    );
  });
}

/**
 * Numbers of the shuffles that cost nothing: all who read them multiply what they read by a dense matrix and do nothing
 * else with it, so that its columns can be put in another order once.
 */
export function foldedShuffles(spec: ModelSpec): Set<number> {
  const { layers } = spec;
  const folded = new Set<number>();
  if (!layers.some(({ kind }) => kind === 'shuffle')) return folded;
  const sources = sourcesOf(spec);
  for (const [index, { kind }] of layers.entries()) {
    const readers = layers.filter((_, reader) => sources[reader]!.includes(index));
    if (kind === 'shuffle' && index < layers.length - 1 && readers.every(multipliesAll)) folded.add(index);
  }
  return folded;
}

/** Whether a layer multiplies all that it reads by a dense matrix, and reads it nowhere else. */
function multipliesAll(layer: LayerSpec): boolean {
  if (layer.kind !== 'linear' && !isRecurrent(layer)) return false;
  // An SRU whose input is as wide as its output also takes it past the cell.
  if (layer.kind === 'sru' && layer.inputSize === layer.hiddenSize) return false;
  const matrices = Object.entries(kindOf(layer).tensors(layer)).filter(([field]) =>
    field.startsWith(layer.kind === 'linear' ? 'weight' : 'weight_ih'),
  );
  return matrices.every(([, shape]) => shape[1] === layer.inputSize);
}
