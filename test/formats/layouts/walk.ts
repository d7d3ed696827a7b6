import { type Func, fullFunc } from '#dist/model/functions.js';
import {
  directionsOf,
  type ElmanSpec,
  type GruSpec,
  type LayerSpec,
  type LstmSpec,
} from '#dist/model/spec.js';
import type { ModelFile } from '#dist/model/tensors.js';
import { normalTail } from '../../oracle/functions.js';

/** What layers need of a model, by the names of its tensors. */
type Weights = (field: string) => ArrayLike<number>;

/** Kinds of layers that a spec gets from elsewhere in the family. */
type Later =
  | { kind: 'slstm'; inputSize: number; hiddenSize: number; blocks?: number }
  | { kind: 'conv'; size: number; width: number; bias?: boolean }
  | { kind: 'delay'; size: number; steps?: number };
type Layer = (LayerSpec | Later) & { name: string; inputs?: string[] };

/**
 * Runs a model in f64, straight from the equations that spec.ts states, layer after layer over whole sequences. One
 * stream.
 * @param input [T, I], or ids [T]
 * @returns [T, O]
 */
export function walk(
  { spec, tensors }: { spec: { layers: readonly LayerSpec[] }; tensors: ModelFile['tensors'] },
  input: readonly number[],
  steps: number,
): number[][] {
  const layers = spec.layers as readonly Layer[];
  const width = input.length / steps;
  const x = Array.from({ length: steps }, (_, t) => input.slice(t * width, (t + 1) * width));
  const names = layers.map(({ name }) => name);
  const isLoop = layers.some(({ inputs = [] }, index) =>
    inputs.some((name) => name !== 'input' && names.indexOf(name) >= index),
  );
  if (!isLoop) return pass(layers, tensors, x, new Map()).get(names.at(-1)!)!;
  // What a layer reads of a later one is from the step before: one step at a time, through layers without a state.
  let before = new Map<string, number[][]>();
  return x.map((row) => {
    before = pass(layers, tensors, [row], before);
    return before.get(names.at(-1)!)![0]!;
  });
}

function pass(
  layers: readonly Layer[],
  tensors: ModelFile['tensors'],
  x: number[][],
  past: ReadonlyMap<string, number[][]>,
): Map<string, number[][]> {
  const outputs = new Map([['input', x]]);
  let before = 'input';
  for (const layer of layers) {
    const weights: Weights = (field) => tensors[`${layer.name}.${field}`]!.data;
    const reads = layer.inputs ?? [before];
    before = layer.name;
    if (layer.kind === 'delay' && !reads.every((name) => outputs.has(name))) {
      outputs.set(layer.name, past.get(reads[0]!) ?? [new Array<number>(layer.size).fill(0)]);
      continue;
    }
    const sources = reads.map((name) => outputs.get(name)!);
    const joined = sources[0]!.map((_, t) => sources.flatMap((source) => source[t]!));
    outputs.set(layer.name, give(layer, joined, sources, weights));
  }
  return outputs;
}

function give(layer: Layer, x: number[][], sources: number[][][], weights: Weights): number[][] {
  switch (layer.kind) {
    case 'embedding':
      return x.map(([id]) =>
        Array.from({ length: layer.size }, (_, k) => weights('weight')[id! * layer.size + k]!),
      );
    case 'linear': {
      const { outputSize, bias, blocks = 1 } = layer as typeof layer & { blocks?: number };
      return x.map((row) =>
        blocked(weights('weight'), row, bias === false ? undefined : weights('bias'), outputSize, blocks),
      );
    }
    case 'activation': {
      const { activation } = layer;
      if (activation === 'softmax' || activation === 'logSoftmax')
        return x.map((row) => {
          const sum = row.reduce((all, value) => all + Math.exp(value), 0);
          return row.map((value) =>
            activation === 'softmax' ? Math.exp(value) / sum : value - Math.log(sum),
          );
        });
      const func = apply({ function: activation, ...taken(layer) });
      return x.map((row) => row.map(func));
    }
    case 'combine':
      return x.map((_, t) =>
        sources
          .map((source) => source[t]!)
          .reduce((a, b) => a.map((value, k) => combine[layer.combine](value, b[k]!))),
      );
    case 'scale':
      return x.map((row) => row.map((value, k) => value * weights('weight')[k]! + weights('bias')[k]!));
    case 'norm':
      return x.map((row) => normalise(layer, row, weights));
    case 'conv':
      return x.map((_, t) => convolve(layer, x, t, weights));
    case 'delay': {
      const { steps = 1, size } = layer;
      return x.map((_, t) => x[t - steps] ?? new Array<number>(size).fill(0));
    }
    case 'slstm':
      return stabilised(layer, x, weights);
    case 'slice':
      return x.map((row) => row.slice(layer.from, layer.to));
    case 'lstm':
    case 'gru':
    case 'elman':
      return recur(layer, x, weights);
    default:
      throw new Error(`no equations for ${(layer as { kind: string }).kind}`);
  }
}

const combine = {
  add: (a: number, b: number) => a + b,
  subtract: (a: number, b: number) => a - b,
  multiply: (a: number, b: number) => a * b,
  divide: (a: number, b: number) => a / b,
};

function taken({ alpha, beta }: { alpha?: number; beta?: number }): { alpha?: number; beta?: number } {
  return { ...(alpha === undefined ? {} : { alpha }), ...(beta === undefined ? {} : { beta }) };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function apply(func: Func): (x: number) => number {
  const { function: name, alpha, beta } = fullFunc(func);
  const table: Record<typeof name, (x: number) => number> = {
    tanh: Math.tanh,
    sigmoid,
    relu: (x) => Math.max(x, 0),
    softsign: (x) => x / (1 + Math.abs(x)),
    softplus: (x) => Math.log1p(Math.exp(x)),
    silu: (x) => x * sigmoid(x),
    gelu: (x) => Math.max(x, 0) - Math.abs(x) * normalTail(Math.abs(x)),
    geluTanh: (x) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)),
    identity: (x) => x,
    affine: (x) => alpha * x + beta,
    leakyRelu: (x) => (x < 0 ? alpha * x : x),
    thresholdedRelu: (x) => (x > alpha ? x : 0),
    scaledTanh: (x) => alpha * Math.tanh(beta * x),
    hardSigmoid: (x) => Math.max(0, Math.min(1, alpha * x + beta)),
    elu: (x) => (x < 0 ? alpha * Math.expm1(x) : x),
  };
  return table[name];
}

/** weight [rows, columns] x + bias. */
function product(
  weight: ArrayLike<number>,
  x: readonly number[],
  bias: ArrayLike<number> | undefined,
  rows: number,
): number[] {
  return Array.from({ length: rows }, (_, row) =>
    x.reduce((sum, value, k) => sum + value * weight[row * x.length + k]!, bias?.[row] ?? 0),
  );
}

/** weight [rows, columns / N]: block n of the rows reads block n of x. */
function blocked(
  weight: ArrayLike<number>,
  x: readonly number[],
  bias: ArrayLike<number> | undefined,
  rows: number,
  blocks: number,
): number[] {
  const [height, width] = [rows / blocks, x.length / blocks];
  return Array.from({ length: rows }, (_, row) => {
    const origin = Math.floor(row / height) * width;
    let sum = bias?.[row] ?? 0;
    for (let k = 0; k < width; k++) sum += weight[row * width + k]! * x[origin + k]!;
    return sum;
  });
}

function normalise(layer: LayerSpec & { kind: 'norm' }, row: number[], weights: Weights): number[] {
  const { size, groups = 1, epsilon = 1e-5 } = layer;
  const width = size / groups;
  return row.map((value, k) => {
    const group = row.slice(k - (k % width), k - (k % width) + width);
    const mean = layer.norm === 'rms' ? 0 : group.reduce((a, b) => a + b) / width;
    const variance = group.reduce((sum, each) => sum + (each - mean) ** 2, 0) / width;
    const term = layer.norm === 'rms' ? 0 : weights('bias')[k]!;
    return ((value - mean) / Math.sqrt(variance + epsilon)) * weights('weight')[k]! + term;
  });
}

function convolve(
  { size, width, bias }: Later & { kind: 'conv' },
  x: number[][],
  t: number,
  weights: Weights,
): number[] {
  return Array.from({ length: size }, (_, k) => {
    let sum = bias === false ? 0 : weights('bias')[k]!;
    for (let j = 0; j < width; j++)
      sum += weights('weight')[k * width + j]! * (x[t - width + 1 + j]?.[k] ?? 0);
    return sum;
  });
}

/** Beck et al. 2024: exponential gates as multiples of e^m. */
function stabilised(layer: Later & { kind: 'slstm' }, x: number[][], weights: Weights): number[][] {
  const { hiddenSize: size, blocks = 1 } = layer;
  const width = size / blocks;
  let h = new Array<number>(size).fill(0);
  const units = h.map(() => ({ c: 0, n: 0, m: 0 }));
  return x.map((row) => {
    const a = product(weights('weight_ih'), row, weights('bias'), 4 * size);
    const before = h;
    h = units.map((unit, u) => {
      const [i, f, z, o] = [0, 1, 2, 3].map((gate) => {
        let sum = a[gate * size + u]!;
        for (let k = 0; k < width; k++)
          sum += weights('weight_hh')[(gate * size + u) * width + k]! * before[u - (u % width) + k]!;
        return sum;
      }) as [number, number, number, number];
      const past = unit.m - Math.log1p(Math.exp(-f));
      const m = unit.n === 0 ? i : Math.max(i, past);
      unit.c = Math.exp(past - m) * unit.c + Math.exp(i - m) * Math.tanh(z);
      unit.n = Math.exp(past - m) * unit.n + Math.exp(i - m);
      unit.m = m;
      return (sigmoid(o) * unit.c) / unit.n;
    });
    return h;
  });
}

function recur(layer: LstmSpec | GruSpec | ElmanSpec, x: number[][], weights: Weights): number[][] {
  const all = directionsOf(layer).map((direction) => {
    const end = direction === 'reverse' ? '_reverse' : '';
    const order = direction === 'reverse' ? [...x].reverse() : x;
    const y = one(layer, order, (field) => weights(field + end));
    return direction === 'reverse' ? y.reverse() : y;
  });
  return x.map((_, t) => all.flatMap((y) => y[t]!));
}

function one(layer: LstmSpec | GruSpec | ElmanSpec, x: number[][], weights: Weights): number[][] {
  const { hiddenSize: size, blocks = 1 } = layer;
  const width = size / blocks;
  const gates = weights('weight_hh').length / (size * width);
  const recurrent = (state: readonly number[]) =>
    Array.from({ length: gates * size }, (_, row) => {
      const origin = (row % size) - ((row % size) % width);
      let sum = weights('bias_hh')[row]!;
      for (let k = 0; k < width; k++) sum += weights('weight_hh')[row * width + k]! * state[origin + k]!;
      return sum;
    });
  let h = new Array<number>(size).fill(0);
  let c = new Array<number>(size).fill(0);
  return x.map((row) => {
    const a = product(weights('weight_ih'), row, weights('bias_ih'), gates * size);
    const b = recurrent(h);
    const gate = (g: number, u: number) => a[g * size + u]! + b[g * size + u]!;
    if (layer.kind === 'elman') {
      const f = apply(layer.activation ?? 'tanh');
      h = h.map((_, u) => f(gate(0, u)));
    } else if (layer.kind === 'lstm') {
      const [f, g, out] = (layer.activations ?? ['sigmoid', 'tanh', 'tanh']).map(apply) as [
        (x: number) => number,
        (x: number) => number,
        (x: number) => number,
      ];
      c = c.map((cell, u) => f(gate(1, u)) * cell + f(gate(0, u)) * g(gate(2, u)));
      h = c.map((cell, u) => f(gate(3, u)) * out(cell));
    } else {
      const [f, g] = (layer.activations ?? ['sigmoid', 'tanh']).map(apply) as [
        (x: number) => number,
        (x: number) => number,
      ];
      const r = h.map((_, u) => f(gate(0, u)));
      const z = h.map((_, u) => f(gate(1, u)));
      const before = h;
      const inner = layer.resetAfter === false ? recurrent(h.map((value, u) => r[u]! * value)) : b;
      h = h.map((_, u) => {
        const row = 2 * size + u;
        const n = g(a[row]! + (layer.resetAfter === false ? 1 : r[u]!) * inner[row]!);
        return (1 - z[u]!) * n + z[u]! * before[u]!;
      });
    }
    return h;
  });
}
