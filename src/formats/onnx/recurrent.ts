import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { Node } from './proto.js';
import { type ArrayValue, nameNode, type Part, unsupported } from './values.js';

const kinds = {
  LSTM: { kind: 'lstm', activations: ['Sigmoid', 'Tanh', 'Tanh'], from: [0, 2, 3, 1], peepholes: true },
  GRU: { kind: 'gru', activations: ['Sigmoid', 'Tanh'], from: [1, 0, 2], peepholes: false },
  RNN: { kind: 'elman', activations: ['Tanh'], from: [0], peepholes: false },
} as const;

/** What a recurrent node says, checked; with where our gates are among ONNX's: i o f c, z r h. */
export interface Cell {
  kind: Part['kind'];
  gates: readonly number[];
  units: number;
  resetAfter: boolean;
  activation: 'tanh' | 'relu';
}

/** @throws UnsupportedError naming the attribute that the runtime cannot do; MismatchError without a hidden size */
export function readCell(node: Node): Cell {
  const { kind, activations, from } = kinds[node.op as keyof typeof kinds];
  const { attributes } = node;
  const refuse = (name: string, value: unknown) =>
    unsupported(node, `attribute ${name} is ${show(value)}, which is not supported`, name);
  const integer = (name: string) => attributes.get(name)?.integer ?? 0;

  const direction = attributes.get('direction')?.text ?? 'forward';
  if (direction !== 'forward') throw refuse('direction', direction);
  if (integer('layout') !== 0) throw refuse('layout', integer('layout'));
  if (integer('input_forget') !== 0) throw refuse('input_forget', integer('input_forget'));
  const clip = attributes.get('clip');
  if (clip !== undefined) throw refuse('clip', clip.float);
  for (const name of ['activation_alpha', 'activation_beta']) {
    if ((attributes.get(name)?.others ?? 0) > 0) throw refuse(name, 'given');
  }
  const known: string[] = [...activations];
  const given = attributes.get('activations')?.texts ?? [];
  const isDefault = given.length === 0 || sameNames(given, known);
  const isRelu = kind === 'elman' && sameNames(given, ['Relu']);
  if (!isDefault && !isRelu) throw refuse('activations', given.join(', '));
  const units = attributes.get('hidden_size')?.integer;
  if (units === undefined || !(units > 0)) {
    throw new MismatchError(`${nameNode(node)} needs a hidden_size of at least 1, it has ${show(units)}.`);
  }
  return {
    kind,
    gates: from,
    units,
    resetAfter: integer('linear_before_reset') !== 0,
    activation: isRelu ? 'relu' : 'tanh',
  };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name.toLowerCase() === b[i]!.toLowerCase());
}

/** Checks W [1, G·D, I], R [1, G·D, D] and B [1, 2·G·D], and gives them in our order of gates. */
export function readWeights(
  node: Node,
  { gates, units }: Cell,
  [W, R, B]: readonly [ArrayValue, ArrayValue, ArrayValue | undefined],
  width: number | undefined,
): {
  inputSize: number;
  weightIh: Float32Array;
  weightHh: Float32Array;
  biasIh: Float32Array;
  biasHh: Float32Array;
} {
  const rows = gates.length * units;
  const inputSize = width ?? W.dims[2] ?? 0;
  const check = (name: string, dims: readonly number[], wanted: readonly number[]) => {
    if (dims.length === wanted.length && dims.every((size, axis) => size === wanted[axis])) return;
    throw new MismatchError(`${nameNode(node)} needs ${name} ${show(wanted)}, it has ${show(dims)}.`);
  };
  check('W', W.dims, [1, rows, inputSize]);
  check('R', R.dims, [1, rows, units]);
  if (B !== undefined) check('B', B.dims, [1, 2 * rows]);
  const take = (data: Float32Array, columns: number, start = 0) => {
    const taken = new Float32Array(rows * columns);
    const size = units * columns;
    for (const [to, from] of gates.entries())
      taken.set(data.subarray(start + from * size, start + (from + 1) * size), to * size);
    return taken;
  };
  const bias = (B?.data() ?? new Float32Array(2 * rows)) as Float32Array;
  return {
    inputSize,
    weightIh: take(W.data() as Float32Array, inputSize),
    weightHh: take(R.data() as Float32Array, units),
    biasIh: take(bias, 1),
    biasHh: take(bias, 1, rows),
  };
}
