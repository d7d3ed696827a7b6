import { UnsupportedError } from '../base/errors.js';
import type { PlainActivationSpec } from '../model/plain.js';
import type { EmbeddingSpec, LayerSpec, LinearSpec, ModelSpec, RecurrentLayerSpec } from '../model/spec.js';
import { tapeFieldBeyond } from './plan/cells.js';

/** Names the first field of a layer that cannot be trained; undefined where all of it can. */
type Beyond<S> = (layer: S) => string | undefined;

type Trainable = { [K in LayerSpec['kind']]?: Beyond<Extract<LayerSpec, { kind: K }>> };

export type TrainableLayerSpec = EmbeddingSpec | RecurrentLayerSpec | LinearSpec | PlainActivationSpec;

/** A stack of layers, all of which can be trained. */
export interface TrainableSpec {
  layers: TrainableLayerSpec[];
}

const all = () => undefined;
const activations: readonly unknown[] = ['tanh', 'sigmoid', 'relu', 'softmax', 'logSoftmax'];

/** Of each kind that trains what of it does not; a kind that is not here does not train. */
const trainable: Trainable = {
  embedding: all,
  linear: ({ blocks }) => (blocks === undefined ? undefined : 'blocks'),
  activation: ({ activation }) => (activations.includes(activation) ? undefined : activation),
  lstm: tapeFieldBeyond,
  gru: tapeFieldBeyond,
  elman: tapeFieldBeyond,
  slstm: tapeFieldBeyond,
  lnlstm: tapeFieldBeyond,
  sru: tapeFieldBeyond,
  qrnn: tapeFieldBeyond,
};

/**
 * Refuses what training cannot do.
 * @param spec as checkSpec returns it: fields that say no more than a default are left out or known by their values
 * @throws UnsupportedError naming the layer and the field
 */
export function checkTrainable({ layers }: ModelSpec): TrainableSpec {
  for (const layer of layers) {
    const beyond = trainable[layer.kind] as Beyond<LayerSpec> | undefined;
    const wired = layer.inputs === undefined ? undefined : 'inputs';
    const field = beyond === undefined ? `kind '${layer.kind}'` : (wired ?? beyond(layer));
    if (field === undefined) continue;
    throw new UnsupportedError(`layer ${layer.name}: ${field} cannot be trained.`, `train ${field}`);
  }
  return { layers: layers as TrainableLayerSpec[] };
}
