import { MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { checkSpec } from '../../model/check.js';
import type { GruSpec, LayerSpec, StripsSpec } from '../../model/spec.js';
import { checkTensors, type ModelFile, type Tensor, type Tensors } from '../../model/tensors.js';
import { readBlob } from './blob.js';
import { Arrays, denseOf, type Linear, rowsOf, takeLinear } from './linear.js';

/** Steps that a convolution sees: this one and two before. */
const taps = 3;
const gates = 3;
/** Gates z r h → r z n. */
const gateOrder = [1, 0, 2];

/**
 * A model of RNNoise 0.2 and later as a graph: features in, gains and then the probability of a voice out (rnn.c).
 *
 *   c = tanh(conv2(tanh(conv1(x))))     over this step and two before, zeros before the first
 *   h1, h2, h3: three GRUs, one after the other, that reset after the product
 *   gains, voice = σ(dense_out(s)), σ(vad_dense(s)), s being h3 or, in later versions, c h1 h2 h3 side by side
 *
 * A convolution is a linear layer that reads two delays and what comes in, the oldest first. nnet.c rounds what meets bytes to 127ths, and its σ and
 * tanh are short polynomials; neither is done here, so results are those of the floats that bytes stand for.
 * @throws FormatError, MismatchError; UnsupportedError for a blob of another kind of model
 */
export function decodeBlob(bytes: Uint8Array): ModelFile {
  const all = readBlob(bytes);
  if (!all.has('conv1_bias') || !all.has('dense_out_bias')) {
    const names = [...all.keys()].slice(0, 8).map(show).join(', ');
    throw new UnsupportedError(`this blob is no RNNoise model; its arrays are ${names} …`, 'blob of weights');
  }
  const arrays = new Arrays(all);
  const made = new Made();
  const conv1 = takeLinear(arrays, 'conv1');
  const first = made.convolution('conv1', conv1, 'input', conv1.inputs / taps);
  const conv2 = takeLinear(arrays, 'conv2', conv1.outputs * taps);
  const second = made.convolution('conv2', conv2, first, conv1.outputs);
  const shown = [second];
  let width = conv2.outputs;
  let most = width;
  for (const name of ['gru1', 'gru2', 'gru3']) {
    const input = takeLinear(arrays, `${name}_input`, width);
    const hidden = input.outputs / gates;
    made.gru(name, input, takeLinear(arrays, `${name}_recurrent`, hidden, true), shown.at(-1)!);
    shown.push(name);
    width = hidden;
    most += hidden;
  }
  const outputs = (['dense_out', 'vad_dense'] as const).map((name) => {
    const linear = takeLinear(arrays, name);
    if (linear.inputs !== most && linear.inputs !== width)
      throw new MismatchError(
        `layer ${show(name)} of the RNNoise blob has ${linear.inputs} inputs; the last GRU gives ${width}, all before it ${most}.`,
      );
    const isAll = linear.inputs === most;
    return { name: made.dense(name, linear, isAll ? shown : shown.slice(-1)), size: linear.outputs };
  });
  const left = arrays.left();
  if (left.length > 0)
    throw new UnsupportedError(
      `no layer uses these arrays: ${left.map(show).join(', ')}.`,
      'blob of weights',
    );
  const size = outputs.reduce((sum, output) => sum + output.size, 0);
  const inputs = outputs.map(({ name }) => name);
  made.layers.push({ kind: 'slice', name: 'output', inputs, inputSize: size, from: 0, to: size });
  const spec = checkSpec({ layers: made.layers });
  return { spec, tensors: checkTensors(spec, made.tensors) };
}

/** Layers and tensors so far. */
class Made {
  readonly layers: LayerSpec[] = [];
  readonly tensors: Tensors = {};

  /** @returns the name of what gives the result */
  convolution(name: string, linear: Linear, from: string, channels: number): string {
    if (!Number.isInteger(channels))
      throw new MismatchError(
        `layer ${show(name)} of the RNNoise blob has ${linear.inputs} inputs, no multiple of ${taps}.`,
      );
    const seen: string[] = [];
    for (let steps = taps - 1; steps > 0; steps--) {
      const past = `${name}.past${steps}`;
      this.layers.push({ kind: 'delay', name: past, inputs: [from], size: channels, steps });
      seen.push(past);
    }
    this.#put(`${name}.weight`, [linear.outputs, linear.inputs]).set(denseOf(linear));
    return this.#linear(name, linear, [...seen, from], 'tanh');
  }

  /** @returns the name of what gives the result */
  dense(name: string, linear: Linear, inputs: string[]): string {
    const { outputs } = linear;
    this.#put(`${name}.weight`, [outputs, linear.inputs]).set(denseOf(linear));
    return this.#linear(name, linear, inputs, 'sigmoid');
  }

  gru(name: string, input: Linear, recurrent: Linear, from: string): void {
    const hidden = input.outputs / gates;
    if (!Number.isInteger(hidden) || recurrent.outputs !== input.outputs || recurrent.inputs !== hidden)
      throw new MismatchError(
        `layer ${show(name)} of the RNNoise blob has ${input.outputs} outputs of its input and ${recurrent.outputs} of its state.`,
      );
    const rows = gates * hidden;
    const put = (field: string, values: Float32Array, width: number) =>
      this.#put(`${name}.${field}`, width === 1 ? [rows] : [rows, width]).set(
        inOrder(values, hidden * width),
      );
    put('weight_ih', denseOf(input), input.inputs);
    put('bias_ih', input.bias, 1);
    put('bias_hh', recurrent.bias, 1);
    const shared: GruSpec = {
      kind: 'gru',
      name,
      inputs: [from],
      inputSize: input.inputs,
      hiddenSize: hidden,
    };
    if ('dense' in recurrent.weights) {
      const dense = denseOf(recurrent).slice();
      for (const [row, value] of (recurrent.diagonal ?? []).entries())
        dense[row * hidden + (row % hidden)]! += value;
      put('weight_hh', dense, hidden);
      this.layers.push(shared);
      return;
    }
    const { stream, values } = orderStrips(recurrent.weights, hidden);
    const count = values.length / 32;
    const strips: StripsSpec = { shape: '8x4', count, diagonal: recurrent.diagonal !== undefined };
    this.#put(`${name}.weight_hh`, [count, 32]).set(values);
    this.#put(`${name}.strips`, [stream.length]).set(stream);
    if (recurrent.diagonal !== undefined) put('diagonal', recurrent.diagonal, 1);
    this.layers.push({ ...shared, strips });
  }

  #linear(
    name: string,
    { bias, outputs, inputs: inputSize }: Linear,
    inputs: string[],
    activation: 'tanh' | 'sigmoid',
  ) {
    this.#put(`${name}.bias`, [outputs]).set(bias);
    const result = `${name}.activation`;
    this.layers.push(
      { kind: 'linear', name, inputs, inputSize, outputSize: outputs },
      { kind: 'activation', name: result, activation },
    );
    return result;
  }

  #put(name: string, shape: number[]): Float32Array {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    const tensor: Tensor = { shape, data };
    this.tensors[name] = tensor;
    return data;
  }
}

/** Parts of `size` values, one for each gate, in this package's order. */
function inOrder(values: Float32Array, size: number): Float32Array {
  const data = new Float32Array(values.length);
  for (const [to, from] of gateOrder.entries())
    data.set(values.subarray(from * size, (from + 1) * size), to * size);
  return data;
}

/** The same of strips. */
function orderStrips({ stream, values }: { stream: Int32Array; values: Float32Array }, hidden: number) {
  const rows = [...rowsOf(stream)];
  const perGate = hidden / 8;
  const ends = [0];
  for (const row of rows) ends.push(ends.at(-1)! + row.length);
  const ordered: number[] = [];
  const data = new Float32Array(values.length);
  let at = 0;
  for (const gate of gateOrder) {
    const [first, last] = [gate * perGate, (gate + 1) * perGate];
    for (const row of rows.slice(first, last)) ordered.push(row.length, ...row);
    const own = values.subarray(ends[first]! * 32, ends[last]! * 32);
    data.set(own, at);
    at += own.length;
  }
  return { stream: ordered, values: data };
}
