import { UnsupportedError } from '../../base/errors.js';
import { checkSpec } from '../../model/check.js';
import type { LayerSpec, ModelSpec } from '../../model/spec.js';
import type { ModelFile, Tensors } from '../../model/tensors.js';
import { compactModel } from '../structure.js';
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
  const file = compactModel({ spec: checkLayers(layers, what), tensors: { ...tensors } }, blocks, tolerance);
  if (vocab !== undefined) file.vocab = checkVocab(vocab, file.spec);
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
