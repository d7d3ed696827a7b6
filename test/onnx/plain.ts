import { type Func, fullFunc } from '#dist/model/functions.js';
import { endOf } from '#dist/model/recurrent.js';
import {
  blocksOf,
  directionsOf,
  isRecurrent,
  type LayerSpec,
  type ModelSpec,
  type RecurrentLayerSpec,
} from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { sourcesOf } from '#dist/model/wiring.js';

type Frames = number[][][];

export interface PlainInput {
  steps: number;
  batch: number;
  /** [B]; only a recurrent layer looks at them, as ONNX's do */
  lengths?: ArrayLike<number> | undefined;
  /** [directions, B, H] for each recurrent layer */
  state?: readonly { h: ArrayLike<number>; c?: ArrayLike<number> | undefined }[] | undefined;
}

/**
 * Runs any spec in f64 as its docs say, one number at a time: what is said of ONNX files is compared with it.
 * @param x [T, B, I] or ids [T, B]
 * @returns [T, B, O]
 */
export function runPlain(
  spec: ModelSpec,
  tensors: Tensors,
  x: ArrayLike<number>,
  input: PlainInput,
): number[] {
  const { steps, batch } = input;
  const width = x.length / (steps * batch);
  const frames: Frames = Array.from({ length: steps }, (_, t) =>
    Array.from({ length: batch }, (_, b) =>
      Array.from({ length: width }, (_, i) => x[(t * batch + b) * width + i]!),
    ),
  );
  const sources = sourcesOf(spec);
  const values: Frames[] = [];
  let k = 0;
  for (const [index, layer] of spec.layers.entries()) {
    const read = sources[index]!.map((source) => (source < 0 ? frames : values[source]!));
    const each = (of: (...inputs: number[][]) => number[]) =>
      frames.map((frame, t) => frame.map((_, b) => of(...read.map((one) => one[t]![b]!))));
    const joined = layer.kind === 'combine' ? [] : each((...inputs) => inputs.flat());
    if (isRecurrent(layer)) values.push(runLayer(layer, tensors, joined, input, input.state?.[k++]));
    else if (layer.kind === 'combine') values.push(each((...inputs) => combine(layer.combine, inputs)));
    else values.push(joined.map((frame) => frame.map((vector) => applyLayer(layer, tensors, vector))));
  }
  return values.at(-1)!.flat(2);
}

function combine(how: 'add' | 'subtract' | 'multiply' | 'divide', inputs: number[][]): number[] {
  const two = {
    add: (a: number, b: number) => a + b,
    subtract: (a: number, b: number) => a - b,
    multiply: (a: number, b: number) => a * b,
    divide: (a: number, b: number) => a / b,
  }[how];
  return inputs.reduce((left, right) => left.map((value, i) => two(value, right[i]!)));
}

function applyLayer(layer: LayerSpec, tensors: Tensors, v: number[]): number[] {
  const of = (field: string) => tensors[`${layer.name}.${field}`]?.data;
  switch (layer.kind) {
    case 'embedding':
      return [...of('weight')!.subarray(v[0]! * layer.size, (v[0]! + 1) * layer.size)];
    case 'linear': {
      const weight = of('weight')!;
      return Array.from({ length: layer.outputSize }, (_, o) =>
        v.reduce((sum, value, i) => sum + value * weight[o * v.length + i]!, of('bias')?.[o] ?? 0),
      );
    }
    case 'scale':
      return v.map((value, i) => value * of('weight')![i]! + of('bias')![i]!);
    case 'slice':
      return v.slice(layer.from, layer.to);
    case 'norm': {
      const size = v.length / (layer.groups ?? 1);
      return v.map((value, i) => {
        const start = i - (i % size);
        const group = v.slice(start, start + size);
        const mean = layer.norm === 'rms' ? 0 : group.reduce((sum, one) => sum + one, 0) / size;
        const square = group.reduce((sum, one) => sum + (one - mean) ** 2, 0) / size;
        const normed = (value - mean) / Math.sqrt(square + (layer.epsilon ?? 1e-5));
        return normed * of('weight')![i]! + (of('bias')?.[i] ?? 0);
      });
    }
    case 'activation': {
      if (layer.activation === 'softmax' || layer.activation === 'logSoftmax') {
        const powers = v.map((value) => Math.exp(value - Math.max(...v)));
        const sum = powers.reduce((total, power) => total + power, 0);
        return powers.map((p) => (layer.activation === 'softmax' ? p / sum : Math.log(p / sum)));
      }
      const { activation, alpha, beta } = layer;
      const func = funcOf({
        function: activation,
        ...(alpha === undefined ? {} : { alpha }),
        ...(beta === undefined ? {} : { beta }),
      });
      return v.map(func);
    }
    default:
      throw new Error(`no plain ${layer.kind}`);
  }
}

/** As src/model/functions.ts has them. */
export function funcOf(func: Func): (x: number) => number {
  const { function: name, alpha, beta } = fullFunc(func);
  const all: Record<typeof name, (x: number) => number> = {
    tanh: Math.tanh,
    sigmoid: (x) => 1 / (1 + Math.exp(-x)),
    relu: (x) => Math.max(x, 0),
    softsign: (x) => x / (1 + Math.abs(x)),
    softplus: (x) => Math.log1p(Math.exp(x)),
    silu: (x) => x / (1 + Math.exp(-x)),
    identity: (x) => x,
    affine: (x) => alpha * x + beta,
    leakyRelu: (x) => (x < 0 ? alpha * x : x),
    thresholdedRelu: (x) => (x > alpha ? x : 0),
    scaledTanh: (x) => alpha * Math.tanh(beta * x),
    hardSigmoid: (x) => Math.max(0, Math.min(1, alpha * x + beta)),
    elu: (x) => (x < 0 ? alpha * Math.expm1(x) : x),
  };
  return all[name];
}

function runLayer(
  layer: RecurrentLayerSpec,
  tensors: Tensors,
  frames: Frames,
  { steps, batch, lengths }: PlainInput,
  state: { h: ArrayLike<number>; c?: ArrayLike<number> | undefined } | undefined,
): Frames {
  const H = layer.hiddenSize;
  const result: Frames = frames.map((frame) => frame.map(() => []));
  for (const [d, direction] of directionsOf(layer).entries()) {
    for (let b = 0; b < batch; b++) {
      const start = (d * batch + b) * H;
      const first = (values: ArrayLike<number> | undefined) =>
        Array.from({ length: H }, (_, i) => values?.[start + i] ?? 0);
      let now = { h: first(state?.h), c: first(state?.c) };
      const length = lengths?.[b] ?? steps;
      for (let step = 0; step < steps; step++) {
        if (step >= length) {
          result[step]![b]!.push(...new Array<number>(H).fill(0));
          continue;
        }
        const t = direction === 'forward' ? step : length - 1 - step;
        now = stepCell(layer, tensors, endOf(direction), frames[t]![b]!, now);
        result[t]![b]!.push(...now.h);
      }
    }
  }
  return result;
}

function stepCell(
  layer: RecurrentLayerSpec,
  tensors: Tensors,
  end: string,
  x: number[],
  { h, c }: { h: number[]; c: number[] },
): { h: number[]; c: number[] } {
  const H = layer.hiddenSize;
  const D = H / blocksOf(layer);
  const of = (field: string) => tensors[`${layer.name}.${field}${end}`]!.data;
  const input = (g: number, j: number) =>
    x.reduce(
      (sum, v, i) => sum + v * of('weight_ih')[(g * H + j) * x.length + i]!,
      of('bias_ih')[g * H + j]!,
    );
  const recurrent = (g: number, j: number, from: number[], bias = true) => {
    let sum = bias ? of('bias_hh')[g * H + j]! : 0;
    for (let k = 0; k < D; k++) sum += of('weight_hh')[(g * H + j) * D + k]! * from[j - (j % D) + k]!;
    return sum;
  };
  const clip = (v: number) => (layer.clip === undefined ? v : Math.max(-layer.clip, Math.min(layer.clip, v)));
  const units = Array.from({ length: H }, (_, j) => j);
  switch (layer.kind) {
    case 'elman': {
      const f = funcOf(layer.activation ?? 'tanh');
      return { h: units.map((j) => f(clip(input(0, j) + recurrent(0, j, h)))), c };
    }
    case 'gru': {
      const [f, g] = (layer.activations ?? ['sigmoid', 'tanh']).map(funcOf) as [Step, Step];
      const r = units.map((j) => f(clip(input(0, j) + recurrent(0, j, h))));
      const z = units.map((j) => f(clip(input(1, j) + recurrent(1, j, h))));
      const rh = h.map((value, j) => r[j]! * value);
      const n = units.map((j) =>
        g(
          clip(input(2, j) + (layer.resetAfter === false ? recurrent(2, j, rh) : r[j]! * recurrent(2, j, h))),
        ),
      );
      return { h: units.map((j) => (1 - z[j]!) * n[j]! + z[j]! * h[j]!), c };
    }
    case 'lstm': {
      const [f, g, last] = (layer.activations ?? ['sigmoid', 'tanh', 'tanh']).map(funcOf) as [
        Step,
        Step,
        Step,
      ];
      const peep = (at: number, j: number, cell: number[]) =>
        layer.peepholes ? of('weight_peephole')[at * H + j]! * cell[j]! : 0;
      const gate = (at: number, j: number) => input(at, j) + recurrent(at, j, h);
      const i = units.map((j) => f(clip(gate(0, j) + peep(0, j, c))));
      const forget = units.map((j) => (layer.coupled ? 1 - i[j]! : f(clip(gate(1, j) + peep(1, j, c)))));
      const next = units.map((j) => forget[j]! * c[j]! + i[j]! * g(clip(gate(2, j))));
      const o = units.map((j) => f(clip(gate(3, j) + peep(2, j, next))));
      return { h: units.map((j) => o[j]! * last(next[j]!)), c: next };
    }
  }
}

type Step = (x: number) => number;
