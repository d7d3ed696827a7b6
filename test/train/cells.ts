import { cellOf } from '#dist/model/cells.js';
import { type FullFunc, type Func, fullFunc } from '#dist/model/functions.js';
import { kindOf } from '#dist/model/kinds.js';
import type { QrnnSpec, RecurrentLayerSpec, SlstmSpec, SruSpec } from '#dist/model/spec.js';
import { type CellKind, cellKinds } from '../oracle/arbitraries.js';
import { ACTIVATION_ERROR, UNIT_ROUNDOFF } from '../oracle/tolerance.js';
import { layerOf } from '../session/draw.js';
import { recurrentRows, stepNormed } from './normed.js';
import { blend, type CellNodes, complement, inputProduct, type Parameter, stateProduct } from './parts.js';
import { applyOn } from './slopes.js';
import type { Node, Tape } from './tape.js';

/** Those whose units all meet in each step. */
export const normedKinds = ['lnlstm', 'lngru'] as const;
/** Every cell that is trained, in each of its forms. */
export type TrainKind = CellKind | (typeof moreKinds)[number];
const moreKinds = [
  ...(['sru', 'sruScaled', 'qrnn', 'slstm', 'peepholes', 'coupled', 'projected', 'projectedMore'] as const),
  ...normedKinds,
  ...(['lstmFunctions', 'gruAfterFunctions', 'gruBeforeFunctions', 'elmanFunctions'] as const),
] as const;
export const trainKinds: readonly TrainKind[] = [...cellKinds, ...moreKinds];

/** Those whose h meets a matrix in blocks. */
export const blockKinds: readonly TrainKind[] = trainKinds.filter(
  (kind) => !['sru', 'sruScaled', 'qrnn', 'projected', 'projectedMore'].includes(kind),
);

/** Which losses a cell meets, by their numbers: the first five cells all, the others, which share their passes, one by turns. */
export function lossesBy<L>(losses: readonly L[], kind: TrainKind, turn: number): [number, L][] {
  const all = [...losses.entries()];
  const isFirst = (cellKinds as readonly TrainKind[]).includes(kind);
  return isFirst ? all : all.filter(([k]) => k === turn % losses.length);
}

/** A layer of a kind; those that recur unit by unit have no blocks. */
export function trainLayer(
  kind: TrainKind,
  name: string,
  inputSize: number,
  hiddenSize: number,
  blocks = 1,
): RecurrentLayerSpec {
  const sizes = { name, inputSize, hiddenSize };
  switch (kind) {
    case 'sru':
      return { kind, ...sizes };
    case 'sruScaled':
      // Only where x is as wide as h.
      return { kind: 'sru', ...sizes, ...(inputSize === hiddenSize ? { scale: 1.5 } : {}) };
    case 'qrnn':
      return { kind, ...sizes };
    case 'slstm':
    case 'lnlstm':
    case 'lngru':
      return { kind, ...sizes, blocks };
    case 'peepholes':
      return { kind: 'lstm', ...sizes, blocks, peepholes: true };
    case 'coupled':
      return { kind: 'lstm', ...sizes, blocks, coupled: true, peepholes: true, clip: 0.6 };
    case 'projected':
    case 'projectedMore': {
      if (hiddenSize === 1) return { kind: 'lstm', ...sizes };
      const more = kind === 'projected' ? {} : { peepholes: true, clip: 1.1 };
      return { kind: 'lstm', ...sizes, projectionSize: Math.ceil(hiddenSize / 2), ...more };
    }
    case 'lstmFunctions': {
      const scaled: Func = { function: 'scaledTanh', alpha: 1.5, beta: 0.75 };
      return { kind: 'lstm', ...sizes, blocks, activations: ['hardSigmoid', 'softsign', scaled] };
    }
    case 'gruAfterFunctions':
      return {
        kind: 'gru',
        ...sizes,
        blocks,
        resetAfter: true,
        clip: 0.8,
        activations: ['sigmoid', 'softsign'],
      };
    case 'gruBeforeFunctions':
      return { kind: 'gru', ...sizes, blocks, resetAfter: false, activations: ['hardSigmoid', 'elu'] };
    case 'elmanFunctions':
      return { kind: 'elman', ...sizes, blocks, activation: 'silu', clip: 0.9 };
    default:
      return layerOf(kind, name, inputSize, hiddenSize, blocks);
  }
}

/** Which units keep a state, of a layer, in a row t · B + b. */
export type Keeps = (state: 'h' | 'c', unit: number) => boolean;

/**
 * One step of one stream through one recurrent layer.
 * @param keeps what zoneout has drawn; without it a layer that has some gives the mean
 */
export function stepCell(
  tape: Tape,
  layer: RecurrentLayerSpec,
  parameter: Parameter,
  x: Node,
  before: CellNodes,
  keeps?: Keeps,
): CellNodes {
  const after = stepPlain(tape, layer, parameter, x, before);
  for (const [state, field] of [
    ['h', 'zoneout'],
    ['c', 'zoneoutCell'],
  ] as const) {
    const rate = (layer as Partial<Record<typeof field, number>>)[field];
    const [old, made] = [before[state], after[state]];
    if (rate === undefined || old === undefined || made === undefined) continue;
    after[state] =
      keeps === undefined
        ? blend(tape, tape.leaf(old.value.map(() => Math.fround(rate))), made, old)
        : tape.choose(old, made, (unit) => keeps(state, unit));
  }
  return after;
}

/** The same without zoneout. */
function stepPlain(
  tape: Tape,
  layer: RecurrentLayerSpec,
  parameter: Parameter,
  x: Node,
  before: CellNodes,
): CellNodes {
  switch (layer.kind) {
    case 'sru':
      return stepSru(tape, layer, parameter, x, before);
    case 'qrnn':
      return stepQrnn(tape, layer, parameter, x, before);
    case 'slstm':
      return stepSlstm(tape, layer, parameter, x, before);
    case 'lnlstm':
    case 'lngru': {
      const gates = Array.from({ length: cellOf(layer).gates }, (_, gate) => gate);
      const input = tape.join(...gates.map((gate) => inputProduct(tape, layer, parameter, gate, x)));
      return stepNormed(
        tape,
        layer,
        parameter,
        input,
        recurrentRows(tape, layer, parameter, before.h),
        before,
      );
    }
  }
  const { hiddenSize, clip } = layer;
  const { h, c } = before;
  const input = (gate: number) =>
    tape.add(
      inputProduct(tape, layer, parameter, gate, x),
      tape.slice(parameter('bias_ih'), gate * hiddenSize, hiddenSize),
    );
  const recurrent = (gate: number, from: Node) =>
    tape.add(
      stateProduct(tape, layer, parameter, gate, from),
      tape.slice(parameter('bias_hh'), gate * hiddenSize, hiddenSize),
    );
  const both = (gate: number) => tape.add(input(gate), recurrent(gate, h));
  const free = (func: Func, v: Node) => applyOn(tape, rounded(func), v);
  const call = (func: Func, v: Node) => free(func, limit(tape, v, clip));
  switch (layer.kind) {
    case 'lstm': {
      const [f, g, out] = (layer.activations ?? ['sigmoid', 'tanh', 'tanh']) as [Func, Func, Func];
      /** a gate's sum, with what it sees of a cell */
      const see = (gate: number, hole: number, cell: Node) => {
        if (layer.peepholes !== true) return both(gate);
        const own = tape.slice(parameter('weight_peephole'), hole * hiddenSize, hiddenSize);
        return tape.add(both(gate), tape.multiply(own, cell));
      };
      const taken = call(f, see(0, 0, c!));
      const kept = layer.coupled === true ? complement(tape, taken) : call(f, see(1, 1, c!));
      const next = tape.add(tape.multiply(kept, c!), tape.multiply(taken, call(g, both(2))));
      const q = tape.multiply(call(f, see(3, 2, next)), free(out, next));
      if (layer.projectionSize === undefined) return { h: q, c: next };
      return { h: tape.product(parameter('weight_hr'), 0, layer.projectionSize, hiddenSize, q), c: next };
    }
    case 'gru': {
      const [f, g] = (layer.activations ?? ['sigmoid', 'tanh']) as [Func, Func];
      const r = call(f, both(0));
      const z = call(f, both(1));
      const side =
        layer.resetAfter === false ? recurrent(2, tape.multiply(r, h)) : tape.multiply(r, recurrent(2, h));
      const n = call(g, tape.add(input(2), side));
      return { h: blend(tape, z, n, h) };
    }
    case 'elman':
      return { h: call(layer.activation ?? 'tanh', both(0)) };
  }
}

/** A function with alpha and beta as a program has them, in f32. */
function rounded(func: Func): FullFunc {
  const { function: name, alpha, beta } = fullFunc(func);
  return { function: name, alpha: Math.fround(alpha), beta: Math.fround(beta) };
}

/** x limited to ±clip, with the slope of torch.clamp. */
function limit(tape: Tape, x: Node, clip: number | undefined): Node {
  if (clip === undefined) return x;
  const most = Math.fround(clip);
  return tape.map(
    x,
    (v) => Math.max(-most, Math.min(most, v)),
    (v) => (Math.abs(v) <= most ? 1 : 0),
  );
}

/** Lei et al. 2018: f = σ(W_f x + v_f c + b_f), r alike, c' = f c + (1 − f) W x, h = r c' + (1 − r) x'. */
function stepSru(tape: Tape, layer: SruSpec, parameter: Parameter, x: Node, { c }: CellNodes): CellNodes {
  const { hiddenSize, inputSize, scale = 1 } = layer;
  const input = (gate: number) => inputProduct(tape, layer, parameter, gate, x);
  const own = (name: string, gate: number) =>
    tape.slice(parameter(name), (gate - 1) * hiddenSize, hiddenSize);
  const gate = (k: number) =>
    tape.sigmoid(tape.add(input(k), own('bias', k), tape.multiply(own('weight_c', k), c!)));
  const past =
    inputSize === hiddenSize ? tape.multiply(x, tape.leaf(x.value.map(() => Math.fround(scale)))) : input(3);
  const next = blend(tape, gate(1), input(0), c!);
  return { h: blend(tape, gate(2), past, next), c: next };
}

/** Bradbury et al. 2017: c' = σ(f) c + (1 − σ(f)) tanh(z), h = σ(o) c'; gates z f o. */
function stepQrnn(tape: Tape, layer: QrnnSpec, parameter: Parameter, x: Node, { c }: CellNodes): CellNodes {
  const { hiddenSize } = layer;
  const [z, f, o] = [0, 1, 2].map((gate) =>
    tape.add(
      inputProduct(tape, layer, parameter, gate, x),
      tape.slice(parameter('bias'), gate * hiddenSize, hiddenSize),
    ),
  ) as [Node, Node, Node];
  const next = blend(tape, tape.sigmoid(f), tape.tanh(z), c!);
  return { h: tape.multiply(tape.sigmoid(o), next), c: next };
}

/**
 * Beck et al. 2024: l = m + ln σ(f), m' = max(i, l), or i where n = 0, c' = e^(l − m') c + e^(i − m') tanh(z),
 * n' = e^(l − m') n + e^(i − m'), h' = σ(o) c' / n'; gates i f z o. Nothing is taken for granted of m: it has gradients.
 */
function stepSlstm(
  tape: Tape,
  layer: SlstmSpec,
  parameter: Parameter,
  x: Node,
  { h, c, n, m }: CellNodes,
): CellNodes {
  const { hiddenSize } = layer;
  const [i, f, z, o] = [0, 1, 2, 3].map((gate) =>
    tape.add(
      inputProduct(tape, layer, parameter, gate, x),
      stateProduct(tape, layer, parameter, gate, h),
      tape.slice(parameter('bias'), gate * hiddenSize, hiddenSize),
    ),
  ) as [Node, Node, Node, Node];
  const minus = (v: Node) =>
    tape.map(
      v,
      (u) => -u,
      () => -1,
    );
  const logarithm = tape.map(
    f,
    (v) => -Math.log1p(Math.exp(-v)),
    (v) => 1 / (1 + Math.exp(v)),
    ACTIVATION_ERROR,
  );
  const past = tape.add(m!, logarithm);
  const most = tape.larger(i, past, (u) => n!.value[u] === 0);
  const exp = (v: Node) => tape.map(v, Math.exp, (_, y) => y, ACTIVATION_ERROR);
  const keep = exp(tape.add(past, minus(most)));
  const take = exp(tape.add(i, minus(most)));
  const cell = tape.add(tape.multiply(keep, c!), tape.multiply(take, tape.tanh(z)));
  const norm = tape.add(tape.multiply(keep, n!), take);
  const over = tape.map(
    norm,
    (v) => 1 / v,
    (v) => -1 / v ** 2,
    UNIT_ROUNDOFF,
  );
  return { h: tape.multiply(tape.sigmoid(o), tape.multiply(cell, over)), c: cell, n: norm, m: most };
}

/** How wide each state of a layer is, by their names. */
export function stateWidths(layer: RecurrentLayerSpec): [keyof CellNodes, number][] {
  return Object.entries(kindOf(layer).states!(layer)) as [keyof CellNodes, number][];
}
