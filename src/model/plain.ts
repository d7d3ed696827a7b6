import { cellOf } from './cells.js';
import { foldedShuffles } from './shuffle.js';
import {
  type ActivationSpec,
  blockSizesOf,
  type CommonLayerSpec,
  type EmbeddingSpec,
  isRecurrent,
  type LayerSpec,
  type LinearSpec,
  type ModelSpec,
  stripsOf,
} from './spec.js';

/** Activations that plain kernels have. */
type PlainFunction = 'tanh' | 'sigmoid' | 'relu' | 'softmax' | 'logSoftmax';

export interface PlainActivationSpec extends ActivationSpec {
  activation: PlainFunction;
}
export type PlainLayerSpec = EmbeddingSpec | CommonLayerSpec | LinearSpec | PlainActivationSpec;

const plainFunctions: readonly string[] = ['tanh', 'sigmoid', 'relu', 'softmax', 'logSoftmax'];

/** Whether plain kernels have an activation. */
export function isPlainFunction(activation: ActivationSpec['activation']): activation is PlainFunction {
  return plainFunctions.includes(activation);
}

/** Whether plain kernels run a layer. */
function isPlain(layer: LayerSpec): layer is PlainLayerSpec {
  if (isRecurrent(layer)) return !cellOf(layer).isFamily && stripsOf(layer) === undefined;
  if (layer.kind === 'linear') return layer.blocks === undefined;
  return layer.kind === 'activation' ? isPlainFunction(layer.activation) : layer.kind === 'embedding';
}

/**
 * Whether a model takes kernels of the wider family: one that is made of more than the layers and cells of plain stacks,
 * that joins what several give, whose recurrent weights are strips, or that has linear layers in blocks.
 */
export function needsFamily(spec: ModelSpec): boolean {
  const folded = foldedShuffles(spec);
  return spec.layers.some(
    (layer, index) =>
      (layer.inputs?.length ?? 1) > 1 || !(isPlain(layer) || layer.kind === 'slice' || folded.has(index)),
  );
}

/** A model of plain layers, each of which reads all of what the one before it gives, forward through time. */
export interface StackSpec {
  layers: PlainLayerSpec[];
}

/**
 * Whether a model is a plain stack, for which less has to be there: all others are graphs, also those that plain kernels
 * run. Blocks in a plain stack are of one size, and read all of the input.
 */
export function isStack(spec: ModelSpec): spec is StackSpec {
  return spec.layers.every(
    (layer) =>
      layer.inputs === undefined &&
      isPlain(layer) &&
      !(isRecurrent(layer) && (layer.direction ?? layer.inputBlocks ?? blockSizesOf(layer)) !== undefined),
  );
}
