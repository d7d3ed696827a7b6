import { cellOf } from '#dist/model/cells.js';
import type { LnGruSpec, LnLstmSpec } from '#dist/model/spec.js';
import { blend, type CellNodes, type Parameter, stateProduct } from './parts.js';
import type { Node, Tape } from './tape.js';

/** gain n(v) over all of v. */
function norm(tape: Tape, { epsilon = 1e-5 }: LnLstmSpec | LnGruSpec, v: Node, gain: Node): Node {
  return tape.multiply(gain, tape.normalise(v, v.value.length, true, Math.fround(epsilon)));
}

/** U h, one gate below the other. */
export function recurrentRows(
  tape: Tape,
  layer: LnLstmSpec | LnGruSpec,
  parameter: Parameter,
  h: Node,
): Node {
  const gates = Array.from({ length: cellOf(layer).gates }, (_, gate) =>
    stateProduct(tape, layer, parameter, gate, h),
  );
  return tape.join(...gates);
}

/** One step from W x and U h on, all rows of each. */
export function stepNormed(
  tape: Tape,
  layer: LnLstmSpec | LnGruSpec,
  parameter: Parameter,
  input: Node,
  recurrent: Node,
  { h, c }: CellNodes,
): CellNodes {
  const { hiddenSize } = layer;
  const gate = (v: Node, k: number) => tape.slice(v, k * hiddenSize, hiddenSize);
  const a = norm(tape, layer, input, parameter('gain_ih'));
  const s = norm(tape, layer, recurrent, parameter('gain_hh'));
  if (layer.kind === 'lnlstm') {
    // Ba et al. 2016, equations 20 to 22; gates i f g o.
    const all = tape.add(a, s, parameter('bias'));
    const [i, f, o] = [0, 1, 3].map((k) => tape.sigmoid(gate(all, k))) as [Node, Node, Node];
    const cell = tape.add(tape.multiply(f, c!), tape.multiply(i, tape.tanh(gate(all, 2))));
    const out = tape.add(norm(tape, layer, cell, parameter('gain_c')), parameter('bias_c'));
    return { h: tape.multiply(o, tape.tanh(out)), c: cell };
  }
  // LayerNormGRU of haste, which resets after the product; gates r z n.
  const [x, u] = [tape.add(a, parameter('bias_ih')), tape.add(s, parameter('bias_hh'))];
  const [r, z] = [0, 1].map((k) => tape.sigmoid(tape.add(gate(x, k), gate(u, k)))) as [Node, Node];
  return { h: blend(tape, z, tape.tanh(tape.add(gate(x, 2), tape.multiply(r, gate(u, 2)))), h) };
}
