import { type Func, fullFunc, functionCodes } from '../model/functions.js';
import type { RecurrentLayerSpec } from '../model/spec.js';
import type { Program, RecurrentOp } from './program.js';
import { placeTable, tableFloats } from './table.js';

/** Floats of what stands behind a layer's own constants; the drawing is in assembly/cell/parameters.ts. */
export const parameterFloats = 24;

const coupled = 1;
const peepholes = 2;

/** What of an operation its kernels read there. */
export interface Placed extends Pick<RecurrentOp, 'block' | 'outputs' | 'projection'> {
  /** bytes between its states behind h */
  apart: number;
}

/** Writes a layer's own constants and parameters, where its cell is one of the family. */
export function placeConstants(
  to: Float32Array,
  layer: RecurrentLayerSpec,
  op: RecurrentOp,
  { run }: Program,
): void {
  if (op.parameters === 0) return;
  placeTable(to, op.parameters / 4);
  const { at } = run.states[op.state]!;
  const apart = at.length > 2 ? at[2]! - at[1]! : 0;
  placeParameters(to, op.parameters / 4 + tableFloats, layer, { ...op, apart });
}

/** Writes what a layer of the family says, at an index of a memory's floats. */
export function placeParameters(
  to: Float32Array,
  index: number,
  layer: RecurrentLayerSpec,
  { apart, block, outputs, projection }: Placed,
): void {
  const words = new Uint32Array(to.buffer);
  to[index] = ('clip' in layer ? layer.clip : undefined) ?? Number.POSITIVE_INFINITY;
  words[index + 1] = flagsOf(layer);
  words[index + 2] = apart;
  words[index + 3] = block;
  for (const [place, func] of functionsOf(layer).entries()) {
    const { function: name, alpha, beta } = fullFunc(func);
    const at = index + 4 + 4 * place;
    words[at] = functionCodes[name];
    to[at + 1] = alpha;
    to[at + 2] = beta;
  }
  words[index + 16] = outputs;
  words[index + 17] = projection;
  to[index + 18] = layer.kind === 'sru' ? (layer.scale ?? 1) : 1;
  to[index + 19] = 'epsilon' in layer ? (layer.epsilon ?? 1e-5) : 1e-5;
  to[index + 20] = ('zoneout' in layer ? layer.zoneout : undefined) ?? 0;
  to[index + 21] = ('zoneoutCell' in layer ? layer.zoneoutCell : undefined) ?? 0;
}

function flagsOf(layer: RecurrentLayerSpec): number {
  if (layer.kind !== 'lstm') return 0;
  return (layer.coupled === true ? coupled : 0) + (layer.peepholes === true ? peepholes : 0);
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
    default:
      return [];
  }
}
