import { UnsupportedError } from '../base/errors.js';
import { show } from '../base/guards.js';
import {
  type ActivationSpec,
  type EmbeddingSpec,
  isRecurrent,
  type LayerSpec,
  type LinearSpec,
  type ModelSpec,
  type RecurrentLayerSpec,
} from '../model/spec.js';
import { tapeOf } from './plan/cells.js';

/** An element-wise function that is trained; a softmax only at the end, where the loss has it. */
export interface TrainableActivationSpec extends ActivationSpec {
  activation: 'tanh' | 'sigmoid' | 'relu' | 'softmax' | 'logSoftmax';
}
export type TrainableLayerSpec = EmbeddingSpec | RecurrentLayerSpec | LinearSpec | TrainableActivationSpec;

/** A stack of layers, all of which can be trained. */
export interface TrainableSpec {
  layers: TrainableLayerSpec[];
}

const functions: readonly unknown[] = ['tanh', 'sigmoid', 'relu', 'softmax', 'logSoftmax'];

/**
 * Refuses what cannot be trained.
 * @param spec as checkSpec returns it
 * @throws UnsupportedError naming the layer and the field
 */
export function checkTrainable({ layers }: ModelSpec): TrainableSpec {
  for (const layer of layers) {
    const field = fieldBeyond(layer);
    if (field === undefined) continue;
    throw new UnsupportedError(
      `layer ${show(layer.name)}: ${field} is not supported in training.`,
      `train ${field}`,
    );
  }
  return { layers: layers as TrainableLayerSpec[] };
}

/** The first thing about a layer that is not trained. */
function fieldBeyond(layer: LayerSpec): string | undefined {
  if (layer.inputs !== undefined) return 'inputs';
  if (isRecurrent(layer)) {
    tapeOf(layer);
    return undefined;
  }
  switch (layer.kind) {
    case 'embedding':
    case 'linear':
      return undefined;
    case 'activation':
      return functions.includes(layer.activation) ? undefined : layer.activation;
    default:
      return `kind '${layer.kind}'`;
  }
}
