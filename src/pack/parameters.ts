import { type Func, fullFunc, functionCodes } from '../model/functions.js';
import type { RecurrentLayerSpec } from '../model/spec.js';

/** Floats of what stands behind a layer's own constants; the drawing is in assembly/cell/parameters.ts. */
export const parameterFloats = 16;

const coupled = 1;
const peepholes = 2;

/** Whether a layer's gates see its cell. */
export function hasPeepholes(layer: RecurrentLayerSpec): boolean {
  return layer.kind === 'lstm' && layer.peepholes === true;
}

/** Writes what a layer of the family says, at an index of a memory's floats. */
export function placeParameters(to: Float32Array, index: number, layer: RecurrentLayerSpec): void {
  const words = new Uint32Array(to.buffer);
  to[index] = layer.clip ?? Number.POSITIVE_INFINITY;
  words[index + 1] =
    (layer.kind === 'lstm' && layer.coupled === true ? coupled : 0) + (hasPeepholes(layer) ? peepholes : 0);
  for (const [place, func] of functionsOf(layer).entries()) {
    const { function: name, alpha, beta } = fullFunc(func);
    const at = index + 4 + 4 * place;
    words[at] = functionCodes[name];
    to[at + 1] = alpha;
    to[at + 2] = beta;
  }
}

/** f of the gates, g of the candidate, h of an LSTM's cell on its way out, as far as a layer has them. */
function functionsOf(layer: RecurrentLayerSpec): readonly Func[] {
  switch (layer.kind) {
    case 'lstm':
      return layer.activations ?? ['sigmoid', 'tanh', 'tanh'];
    case 'gru':
      return layer.activations ?? ['sigmoid', 'tanh'];
    case 'elman':
      return [layer.activation ?? 'tanh'];
  }
}
