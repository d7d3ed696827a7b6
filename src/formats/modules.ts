import { MismatchError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { StoredTensor } from './header.js';

/** A torch.nn.LSTM, GRU or RNN, seen through the names and shapes of its tensors. */
export interface RecurrentModule {
  kind: 'lstm' | 'gru' | 'elman';
  /** what stands before `.weight_ih_l0`; '' when nothing does */
  prefix: string;
  inputSize: number;
  hiddenSize: number;
  /** proj_size of an LSTM that has one */
  projectionSize?: number;
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

const recurrentLeaf = /^(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(0|[1-9]\d{0,5})(_reverse)?$/;

/** The name of a tensor of a module. */
export function join(prefix: string, leaf: string): string {
  return prefix === '' ? leaf : `${prefix}.${leaf}`;
}

/**
 * The modules of a PyTorch state dict, in the order in which the file has them. Tensors that fit none are left
 * to the caller.
 * @throws MismatchError when the tensors of one module contradict each other
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

/** How many features a recurrent module's layers give in each direction. */
export function outputsOf({ hiddenSize, projectionSize }: RecurrentModule): number {
  return projectionSize ?? hiddenSize;
}

/** The tensors of one layer and direction of a module, by what their names begin with. */
export function partsOf({ bias, projectionSize }: RecurrentModule): string[] {
  return [
    ...['weight_ih', 'weight_hh'],
    ...(bias ? ['bias_ih', 'bias_hh'] : []),
    ...(projectionSize === undefined ? [] : ['weight_hr']),
  ];
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
  const rows = weightHh[0] ?? 0;
  const outputs = weightHh[1] ?? 0;
  const weightHr = shapeOf(join(prefix, 'weight_hr_l0'));
  const hiddenSize = weightHr === undefined ? outputs : (weightHr[1] ?? 0);
  const kind = ({ 1: 'elman', 3: 'gru', 4: 'lstm' } as const)[rows / hiddenSize];
  if (kind === undefined || weightHh.length !== 2 || (weightHr !== undefined && kind !== 'lstm')) {
    const known =
      '[4·H, H] for an LSTM, or [4·H, P] with a projection, [3·H, H] for a GRU, [H, H] for an RNN';
    throw new MismatchError(`tensor ${show(first.hh)} has shape ${show(weightHh)}; PyTorch's are ${known}.`);
  }
  // Its two directions side by side are what the layer above reads.
  const bidirectional = stored.has(`${first.ih}_reverse`) || stored.has(`${first.hh}_reverse`);
  const module: RecurrentModule = {
    ...{ kind, prefix, inputSize: weightIh[1] ?? 0, hiddenSize, layers, bias, bidirectional },
    ...(weightHr === undefined ? {} : { projectionSize: outputs }),
  };
  const ends = bidirectional ? ['', '_reverse'] : [''];
  for (let l = 0; l < layers; l++) {
    const shapes: Record<string, number[]> = {
      weight_ih: [rows, l === 0 ? module.inputSize : ends.length * outputs],
      weight_hh: [rows, outputs],
      weight_hr: [outputs, hiddenSize],
    };
    for (const end of ends) {
      for (const part of partsOf(module)) {
        const name = join(prefix, `${part}_l${l}${end}`);
        const shape = shapes[part] ?? [rows];
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
  }
  return module;
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
