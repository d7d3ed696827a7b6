import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { type Func, type FunctionName, functions } from '../../model/functions.js';
import { shortest } from './floats.js';
import { cellFunctions, cellOperators, peepholeOrder } from './names.js';
import type { Node } from './proto.js';
import { type ArrayValue, nameNode, type Part, unsupported } from './values.js';

/** What a recurrent node says, checked; with where our gates are among ONNX's. */
export interface Cell {
  kind: Part['kind'];
  gates: readonly number[];
  units: number;
  directions: Part['directions'];
  /** attribute layout */
  batchFirst: boolean;
  /** of each direction, what our spec says of it beside its sizes */
  fields: Record<string, unknown>[];
}

/** @throws UnsupportedError naming the attribute that the runtime cannot do; MismatchError without a hidden size */
export function readCell(node: Node): Cell {
  const { attributes } = node;
  const kind = (Object.keys(cellOperators) as Part['kind'][]).find(
    (one) => cellOperators[one].op === node.op,
  )!;
  const { gates } = cellOperators[kind];
  const refuse = (name: string, value: unknown) =>
    unsupported(node, `attribute ${name} is ${show(value)}, which is not supported`, name);
  const integer = (name: string) => attributes.get(name)?.integer ?? 0;

  const direction = (attributes.get('direction')?.text ?? 'forward').toLowerCase();
  const directions = new Map<string, Part['directions']>([
    ['forward', ['forward']],
    ['reverse', ['reverse']],
    ['bidirectional', ['forward', 'reverse']],
  ]).get(direction);
  if (directions === undefined) throw refuse('direction', direction);
  const units = attributes.get('hidden_size')?.integer;
  if (units === undefined || !(units > 0)) {
    throw new MismatchError(`${nameNode(node)} needs a hidden_size of at least 1, it has ${show(units)}.`);
  }
  // Later versions of ONNX say 0, and negative numbers, for none.
  const clip = attributes.get('clip')?.float;
  if (clip !== undefined && !(clip > 0)) throw refuse('clip', clip);
  const all = readFunctions(node, kind, directions.length);
  const fields = directions.map((_, d) => {
    const given: Record<string, unknown> = {};
    const own = all.slice(d * (all.length / directions.length), (d + 1) * (all.length / directions.length));
    if (kind === 'elman') given.activation = own[0];
    else given.activations = own;
    if (kind === 'gru') given.resetAfter = integer('linear_before_reset') !== 0;
    if (clip !== undefined) given.clip = shortest(clip);
    if (kind === 'lstm' && integer('input_forget') !== 0) given.coupled = true;
    return given;
  });
  return { kind, gates, units, directions, batchFirst: integer('layout') !== 0, fields };
}

const functionNames = new Map(
  Object.entries(cellFunctions).map(([ours, theirs]) => [theirs.toLowerCase(), ours as FunctionName]),
);

/**
 * The functions of all directions. Alphas and betas are lists from which each function takes what it needs, in order;
 * where one has ended, defaults are taken.
 */
function readFunctions(node: Node, kind: Part['kind'], directions: number): Func[] {
  const { attributes } = node;
  const otherwise = cellOperators[kind].activations;
  const texts = attributes.get('activations')?.texts ?? [];
  const count = directions * otherwise.length;
  if (texts.length !== 0 && texts.length !== count)
    throw new MismatchError(`${nameNode(node)} needs ${count} activations, it has ${texts.length}.`);
  const names = Array.from({ length: count }, (_, i) => {
    if (texts.length === 0) return otherwise[i % otherwise.length]!;
    const name = functionNames.get(texts[i]!.toLowerCase());
    if (name === undefined)
      throw unsupported(
        node,
        `attribute activations is ${show(texts)}; ${show(texts[i])} is not supported`,
        'activations',
      );
    return name;
  });
  const lists = [
    attributes.get('activation_alpha')?.floats ?? [],
    attributes.get('activation_beta')?.floats ?? [],
  ];
  const next = [0, 0];
  return names.map((name): Func => {
    const taken: { alpha?: number; beta?: number } = {};
    for (const [i, normal] of (functions[name] as readonly number[]).entries()) {
      const value = lists[i]![next[i]!++];
      // What is the default need not be said.
      if (value === undefined || value === Math.fround(normal)) continue;
      taken[i === 0 ? 'alpha' : 'beta'] = shortest(value);
    }
    return Object.keys(taken).length === 0 ? name : { function: name, ...taken };
  });
}

/**
 * Checks W [directions, G·D, I], R [directions, G·D, D], B [directions, 2·G·D] and P [directions, 3·D], and gives them
 * direction by direction in our order of gates.
 */
export function readWeights(
  node: Node,
  { gates, units, directions }: Cell,
  given: { W: ArrayValue; R: ArrayValue; B: ArrayValue | undefined; P: ArrayValue | undefined },
  width: number | undefined,
): Record<string, Float32Array>[] {
  const { W, R, B, P } = given;
  const rows = gates.length * units;
  const inputSize = width ?? W.dims[2] ?? 0;
  const check = (name: string, dims: readonly number[], ...sizes: readonly number[]) => {
    const wanted = [directions.length, ...sizes];
    if (dims.length === wanted.length && dims.every((size, axis) => size === wanted[axis])) return;
    throw new MismatchError(`${nameNode(node)} needs ${name} ${show(wanted)}, it has ${show(dims)}.`);
  };
  check('W', W.dims, rows, inputSize);
  check('R', R.dims, rows, units);
  if (B !== undefined) check('B', B.dims, 2 * rows);
  if (P !== undefined) check('P', P.dims, 3 * units);
  const take = (value: ArrayValue | undefined, order: readonly number[], columns: number, start: number) => {
    const size = units * columns;
    const taken = new Float32Array(order.length * size);
    const data = value?.data() as Float32Array | undefined;
    if (data === undefined) return taken;
    for (const [to, from] of order.entries())
      taken.set(data.subarray(start + from * size, start + (from + 1) * size), to * size);
    return taken;
  };
  return directions.map((_, d) => ({
    weight_ih: take(W, gates, inputSize, d * rows * inputSize),
    weight_hh: take(R, gates, units, d * rows * units),
    bias_ih: take(B, gates, 1, 2 * d * rows),
    bias_hh: take(B, gates, 1, (2 * d + 1) * rows),
    ...(P === undefined ? {} : { weight_peephole: take(P, peepholeOrder, 1, 3 * d * units) }),
  }));
}
