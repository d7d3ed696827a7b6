import { MismatchError, UnsupportedError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { StoredTensor } from './header.js';

/** A torch.nn.LSTM, GRU or RNN, seen through the names and shapes of its tensors. */
export interface RecurrentModule {
  kind: 'lstm' | 'gru' | 'elman';
  /** what stands before `.weight_ih_l0`; '' when nothing does */
  prefix: string;
  inputSize: number;
  hiddenSize: number;
  layers: number;
  bias: boolean;
  bidirectional: boolean;
}

/** A torch.nn.Linear or Embedding: a weight of two axes, and perhaps a bias. */
export interface MatrixModule {
  kind: 'matrix';
  prefix: string;
  rows: number;
  columns: number;
  bias: boolean;
}

export type Module = RecurrentModule | MatrixModule;

type Stored = ReadonlyMap<string, StoredTensor>;

const parts = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'] as const;
const recurrentLeaf = /^(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(0|[1-9]\d{0,5})(_reverse)?$/;

/** The name of a tensor of a module. */
export function join(prefix: string, leaf: string): string {
  return prefix === '' ? leaf : `${prefix}.${leaf}`;
}

/**
 * The modules of a PyTorch state dict, in the order in which the file has them. Tensors that fit none are left
 * to the caller.
 * @throws MismatchError when the tensors of one module contradict each other; UnsupportedError for one with a projection
 *   (proj_size)
 */
export function findModules(stored: Stored): Module[] {
  const modules: Module[] = [];
  const depths = new Map<string, Set<number>>();
  const matrices: string[] = [];
  for (const [name, { shape }] of stored) {
    const dot = name.lastIndexOf('.');
    const prefix = name.slice(0, Math.max(dot, 0));
    const leaf = name.slice(dot + 1);
    const match = recurrentLeaf.exec(leaf);
    if (match !== null) {
      refuseVariants(name, match);
      const depth = depths.get(prefix);
      if (depth === undefined) depths.set(prefix, new Set([Number(match[2])]));
      else depth.add(Number(match[2]));
    } else if (leaf === 'weight' && shape.length === 2) {
      matrices.push(prefix);
    }
  }
  for (const [prefix, depth] of depths) modules.push(readRecurrent(stored, prefix, depth));
  for (const prefix of matrices) modules.push(readMatrix(stored, prefix));
  return modules;
}

function refuseVariants(name: string, match: RegExpExecArray): void {
  if (match[1] === 'weight_hr') {
    throw new UnsupportedError(
      `tensor ${show(name)}: LSTMs with a projection (proj_size) are not supported.`,
      'proj_size',
    );
  }
}

function readRecurrent(stored: Stored, prefix: string, depth: Set<number>): RecurrentModule {
  const missing = (name: string) =>
    new MismatchError(`tensor ${show(name)} is missing; others of its module are there.`);
  const shapeOf = (name: string) => stored.get(name)?.shape;
  const layers = depth.size;
  const bias = stored.has(join(prefix, 'bias_ih_l0')) || stored.has(join(prefix, 'bias_hh_l0'));
  const first = { ih: join(prefix, 'weight_ih_l0'), hh: join(prefix, 'weight_hh_l0') };
  const [weightIh, weightHh] = [shapeOf(first.ih), shapeOf(first.hh)];
  if (weightIh === undefined) throw missing(first.ih);
  if (weightHh === undefined) throw missing(first.hh);
  const inputSize = weightIh[1] ?? 0;
  const hiddenSize = weightHh[1] ?? 0;
  const rows = weightHh[0] ?? 0;
  const kind = ({ 1: 'elman', 3: 'gru', 4: 'lstm' } as const)[rows / hiddenSize];
  if (kind === undefined || weightHh.length !== 2) {
    const known = '[4·H, H] for an LSTM, [3·H, H] for a GRU, [H, H] for an RNN';
    throw new MismatchError(`tensor ${show(first.hh)} has shape ${show(weightHh)}; PyTorch's are ${known}.`);
  }
  // Its two directions side by side are what the layer above reads.
  const bidirectional = stored.has(`${first.ih}_reverse`) || stored.has(`${first.hh}_reverse`);
  const ends = bidirectional ? ['', '_reverse'] : [''];
  for (const [l, end] of Array.from({ length: layers }, (_, l) =>
    ends.map((end) => [l, end] as const),
  ).flat()) {
    const needed = [
      [rows, l === 0 ? inputSize : ends.length * hiddenSize],
      [rows, hiddenSize],
      ...(bias ? [[rows], [rows]] : []),
    ];
    for (const [index, shape] of needed.entries()) {
      const name = join(prefix, `${parts[index]}_l${l}${end}`);
      const found = shapeOf(name);
      if (found === undefined) throw missing(name);
      if (!same(found, shape)) {
        const from = `${show(first.hh)} ${show(weightHh)}`;
        throw new MismatchError(
          `tensor ${show(name)} has shape ${show(found)}; ${from} implies ${show(shape)}.`,
        );
      }
    }
  }
  return { kind, prefix, inputSize, hiddenSize, layers, bias, bidirectional };
}

function readMatrix(stored: Stored, prefix: string): MatrixModule {
  const weight = join(prefix, 'weight');
  const [rows, columns] = stored.get(weight)!.shape as [number, number];
  const bias = stored.get(join(prefix, 'bias'));
  if (bias !== undefined && !same(bias.shape, [rows])) {
    const found = `${show(join(prefix, 'bias'))} has shape ${show(bias.shape)}`;
    throw new MismatchError(`tensor ${found}; ${show(weight)} [${rows}, ${columns}] implies [${rows}].`);
  }
  return { kind: 'matrix', prefix, rows, columns, bias: bias !== undefined };
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
