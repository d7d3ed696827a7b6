import type { BlobLinear, BlobModel, TextLayer, TextModel } from '../formats/rnnoise-files.js';

/** What RNNoise's C code computes, in f64, with exact functions in place of its tables, and without rounding to bytes. */

type Vector = number[];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const functions = [Math.tanh, sigmoid, (x: number) => Math.max(x, 0)];

/** rnn.c of 0.1: compute_dense, compute_gru, compute_rnn. x [T][features] → [T][gains and voice] */
export function runText(model: TextModel, x: readonly Vector[]): Vector[] {
  const states: Record<string, Vector> = {};
  const dense = ({ inputs, neurons, activation, weights, bias }: TextLayer, input: Vector) =>
    Array.from({ length: neurons }, (_, i) => {
      let sum = bias[i]!;
      for (let j = 0; j < inputs; j++) sum += weights[j * neurons + i]! * input[j]!;
      return functions[activation]!(sum / 256);
    });
  const gru = (name: 'vad_gru' | 'noise_gru' | 'denoise_gru', input: Vector) => {
    const { inputs, neurons: n, activation, weights, recurrent, bias } = model[name];
    const state = states[name] ?? new Array<number>(n).fill(0);
    const gate = (number: number, i: number, past: Vector) => {
      let sum = bias[number * n + i]!;
      for (let j = 0; j < inputs; j++) sum += weights[j * 3 * n + number * n + i]! * input[j]!;
      for (let j = 0; j < n; j++) sum += recurrent[j * 3 * n + number * n + i]! * past[j]!;
      return sum / 256;
    };
    const z = state.map((_, i) => sigmoid(gate(0, i, state)));
    const r = state.map((_, i) => sigmoid(gate(1, i, state)));
    const reset = state.map((h, i) => h * r[i]!);
    const h = state.map((_, i) => functions[activation]!(gate(2, i, reset)));
    states[name] = state.map((old, i) => z[i]! * old + (1 - z[i]!) * h[i]!);
    return states[name];
  };
  return x.map((features) => {
    const first = dense(model.input_dense, features);
    const vad = gru('vad_gru', first);
    const noise = gru('noise_gru', [...first, ...vad, ...features]);
    const denoise = gru('denoise_gru', [...vad, ...noise, ...features]);
    return [...dense(model.denoise_output, denoise), ...dense(model.vad_output, vad)];
  });
}

/** rnn.c and nnet.c of later versions: compute_linear, compute_generic_conv1d, compute_generic_gru, compute_rnn. */
export function runBlob({ linears, features, skips }: BlobModel, x: readonly Vector[]): Vector[] {
  const linear = ({ inputs, outputs, weights, bias, diagonal }: BlobLinear, input: Vector) =>
    Array.from({ length: outputs }, (_, i) => {
      let sum = bias[i]!;
      for (let j = 0; j < inputs; j++) sum += weights[j * outputs + i]! * input[j]!;
      return sum + (diagonal === undefined ? 0 : diagonal[i]! * input[i % inputs]!);
    });
  const first = linears.conv1!.outputs;
  const memory = {
    conv1: new Array<number>(2 * features).fill(0),
    conv2: new Array<number>(2 * first).fill(0),
  };
  const convolve = (name: 'conv1' | 'conv2', input: Vector) => {
    const seen = [...memory[name], ...input];
    memory[name] = seen.slice(input.length);
    return linear(linears[name]!, seen).map(Math.tanh);
  };
  const states: Record<string, Vector> = {};
  const gru = (name: string, input: Vector) => {
    const n = linears[`${name}_recurrent`]!.inputs;
    const state = states[name] ?? new Array<number>(n).fill(0);
    const zrh = linear(linears[`${name}_input`]!, input);
    const recur = linear(linears[`${name}_recurrent`]!, state);
    states[name] = state.map((old, i) => {
      const z = sigmoid(zrh[i]! + recur[i]!);
      const r = sigmoid(zrh[n + i]! + recur[n + i]!);
      const h = Math.tanh(zrh[2 * n + i]! + recur[2 * n + i]! * r);
      return z * old + (1 - z) * h;
    });
    return states[name];
  };
  return x.map((input) => {
    const start = convolve('conv2', convolve('conv1', input));
    const one = gru('gru1', start);
    const two = gru('gru2', one);
    const three = gru('gru3', two);
    const seen = skips ? [...start, ...one, ...two, ...three] : three;
    return [linears.dense_out!, linears.vad_dense!].flatMap((layer) => linear(layer, seen).map(sigmoid));
  });
}
