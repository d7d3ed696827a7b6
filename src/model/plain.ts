import { UnsupportedError } from '../base/errors.js';
import type {
  ActivationSpec,
  EmbeddingSpec,
  LayerSpec,
  LinearSpec,
  ModelSpec,
  RecurrentLayerSpec,
} from './spec.js';

export interface PlainActivationSpec extends ActivationSpec {
  activation: 'tanh' | 'sigmoid' | 'relu' | 'softmax' | 'logSoftmax';
}
export type PlainLayerSpec = EmbeddingSpec | RecurrentLayerSpec | LinearSpec | PlainActivationSpec;

/** A stack of layers whose recurrent ones go forward and have the functions that they always had. */
export interface PlainSpec {
  layers: PlainLayerSpec[];
}

const plainKinds: readonly string[] = ['embedding', 'lstm', 'gru', 'elman', 'linear', 'activation'];
const plainFunctions: readonly unknown[] = ['tanh', 'sigmoid', 'relu', 'softmax', 'logSoftmax'];
const plainElmans: readonly unknown[] = ['tanh', 'relu'];

/**
 * Refuses what is no plain stack of plain layers, for those parts of the package that can do no more.
 * @param allowed fields that are not plain but that the caller can do
 * @throws UnsupportedError naming the layer and the field
 */
export function checkPlain({ layers }: ModelSpec, allowed: readonly string[] = []): PlainSpec {
  for (const layer of layers) {
    const field = fieldBeyond(layer, allowed);
    if (field === undefined) continue;
    throw new UnsupportedError(`layer ${layer.name}: ${field} is not supported here.`, `layer ${field}`);
  }
  return { layers: layers as PlainLayerSpec[] };
}

/** The first field of a layer that a plain stack has not. */
function fieldBeyond(layer: LayerSpec, allowed: readonly string[]): string | undefined {
  if (!plainKinds.includes(layer.kind)) return `kind '${layer.kind}'`;
  const fields = layer as unknown as Record<string, unknown>;
  for (const field of ['inputs', 'strips', 'direction', 'clip', 'activations', 'coupled', 'peepholes'])
    if (fields[field] !== undefined && !allowed.includes(field)) return field;
  if (layer.kind === 'activation' && !plainFunctions.includes(layer.activation)) return layer.activation;
  if (layer.kind === 'elman' && !plainElmans.includes(layer.activation ?? 'tanh')) return 'activation';
  return undefined;
}
