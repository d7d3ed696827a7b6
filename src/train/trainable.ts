import { UnsupportedError } from '../base/errors.js';
import type { LayerSpec, ModelSpec } from '../model/spec.js';
import { tapeFieldBeyond } from './plan/cells.js';

/** Names the first field of a layer that cannot be trained; undefined where all of it can. */
type Beyond<S> = (layer: S) => string | undefined;

type Trainable = { [K in LayerSpec['kind']]?: Beyond<Extract<LayerSpec, { kind: K }>> };

const all = () => undefined;
/** Of each kind that trains what of it does not; a kind that is not here does not train. */
const trainable: Trainable = {
  embedding: all,
  linear: all,
  combine: all,
  slice: all,
  scale: all,
  shuffle: all,
  norm: all,
  conv: all,
  delay: all,
  activation: all,
  lstm: tapeFieldBeyond,
  gru: tapeFieldBeyond,
  elman: tapeFieldBeyond,
  slstm: tapeFieldBeyond,
  lnlstm: tapeFieldBeyond,
  lngru: tapeFieldBeyond,
  sru: tapeFieldBeyond,
  qrnn: tapeFieldBeyond,
};

/**
 * Refuses what training cannot do.
 * @param spec as checkSpec returns it: fields that say no more than a default are left out or known by their values
 * @throws UnsupportedError naming the layer and the field
 */
export function checkTrainable(spec: ModelSpec): void {
  for (const layer of spec.layers) {
    const beyond = trainable[layer.kind] as Beyond<LayerSpec> | undefined;
    const field = beyond === undefined ? `kind '${layer.kind}'` : beyond(layer);
    if (field === undefined) continue;
    throw new UnsupportedError(`layer ${layer.name}: ${field} cannot be trained.`, `train ${field}`);
  }
}
