import { UnsupportedError } from '../../base/errors.js';
import { cellOf } from '../../model/cells.js';
import { checkSpec } from '../../model/check.js';
import { endOf } from '../../model/recurrent.js';
import {
  blocksOf,
  directionsOf,
  isRecurrent,
  type LayerSpec,
  type ModelSpec,
  type RecurrentLayerSpec,
} from '../../model/spec.js';
import { checkTensors, type ModelFile, type Tensors } from '../../model/tensors.js';
import { compactLayer, findBlocks } from '../structure.js';
import { checkVocab } from '../vocab.js';

/** What every layout lets its caller say. */
export interface LayoutOptions {
  /** N for every recurrent layer, or 'auto' (default) for the largest that holds in each */
  blocks?: 'auto' | number;
  /** largest magnitude off the blocks that counts as zero; default 0 */
  tolerance?: number;
  /** id → byte, of a byte-level model */
  vocab?: unknown;
}

/**
 * Makes a model of layers that a file has told: checks them, finds the blocks of their recurrent weights, and keeps
 * the blocks alone.
 * @param layers with weight_hh as its tensors have it
 * @param what the file has, for errors: 'these variables'
 * @throws UnsupportedError where layers fit together in no model; MismatchError when N does not hold
 */
export function assembleModel(
  layers: readonly LayerSpec[],
  tensors: Tensors,
  what: string,
  { blocks = 'auto', tolerance, vocab }: LayoutOptions,
): ModelFile {
  const all = { ...tensors };
  const spec = checkSpec({
    layers: checkLayers(layers, what).layers.map((layer) => {
      if (!isRecurrent(layer)) return layer;
      const keys = directionsOf(layer).map((direction) => `${layer.name}.weight_hh${endOf(direction)}`);
      const found = blocks === 'auto' ? findCommon(layer, keys, all, tolerance) : blocks;
      let compacted = layer;
      for (const key of keys) {
        const result = compactLayer(layer, all[key]!, found, tolerance);
        all[key] = result.weightHh;
        compacted = result.layer;
      }
      return compacted;
    }),
  });
  const file: ModelFile = { spec, tensors: checkTensors(spec, all) };
  if (vocab !== undefined) file.vocab = checkVocab(vocab, spec);
  return file;
}

/** Nobody has written these layers, so what checkSpec finds is not a caller's mistake but the file's limits. */
function checkLayers(layers: readonly LayerSpec[], what: string): ModelSpec {
  try {
    return checkSpec({ layers });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedError(`${what} make no model that can be run: ${problem}`, 'model shape');
  }
}

/** The largest N that holds in every direction: as if their gates were those of one cell. */
function findCommon(
  layer: RecurrentLayerSpec,
  keys: readonly string[],
  tensors: Tensors,
  tolerance: number | undefined,
): 'auto' | number {
  if (keys.length === 1) return 'auto';
  const parts = keys.map((key) => tensors[key]!.data);
  const together = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    together.set(part, at);
    at += part.length;
  }
  const gates = cellOf(layer).gates * keys.length;
  return findBlocks(together, gates, layer.hiddenSize, tolerance, blocksOf(layer));
}
