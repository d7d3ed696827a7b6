import { seededRandom } from '#dist/base/random.js';
import type { Json } from '#dist/formats/json.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';
import { randomValues } from '../oracle/random.js';
import { f32Bytes } from './bytes.js';

/** What a TensorFlow model of this test is made of. */
export interface Shape {
  /** rows and columns of the embedding; only the width of the input when it has none */
  embedding?: [count: number, size: number];
  inputSize?: number;
  /** one for each layer */
  hidden: { size: number; blocks: number }[];
  /** V; no linear layer without it */
  outputs?: number;
  seed?: number;
}

const stack = 'rnnlm/multi_rnn_cell';

/** The variables of a model, named as TensorFlow 1.0 named them, with zeros off the blocks of every kernel. */
export function makeVariables({ embedding, inputSize, hidden, outputs, seed = 1 }: Shape): Tensors {
  const random = seededRandom(seed);
  const array = (...shape: number[]): Tensor => ({
    shape,
    data: randomValues(
      random,
      shape.reduce((a, b) => a * b),
    ),
  });
  const variables: Tensors = { Variable: { shape: [], data: Float32Array.of(0.00045) } };
  if (embedding !== undefined) variables.embedding = array(...embedding);
  let width = embedding?.[1] ?? inputSize!;
  for (const [index, { size, blocks }] of hidden.entries()) {
    const kernel = array(width + size, 4 * size);
    for (let from = 0; from < size; from++) {
      for (let column = 0; column < 4 * size; column++) {
        const to = column % size;
        if (Math.floor((from * blocks) / size) !== Math.floor((to * blocks) / size))
          kernel.data[(width + from) * 4 * size + column] = 0;
      }
    }
    variables[`${stack}/cell_${index}/basic_lstm_cell/weights`] = kernel;
    variables[`${stack}/cell_${index}/basic_lstm_cell/biases`] = array(4 * size);
    width = size;
  }
  if (outputs !== undefined) {
    variables['rnnlm/softmax_w'] = array(width, outputs);
    variables['rnnlm/softmax_b'] = array(outputs);
  }
  return variables;
}

/**
 * What TensorFlow makes of an input, in f64, by the equations of tf.nn.rnn_cell.BasicLSTMCell:
 *
 *   [i j f o] = [x h] kernel + bias,   new_c = c σ(f + forget_bias) + σ(i) tanh(j),   new_h = tanh(new_c) σ(o)
 *
 * @param input ids [T, B] with an embedding, else [T, B, I]
 * @returns [T, B, V], or the last layer's h without a linear layer
 */
export function runTensorflow(
  variables: Tensors,
  input: ArrayLike<number>,
  steps: number,
  batch: number,
  forgetBias = 1,
): number[] {
  const sigma = (x: number) => 1 / (1 + Math.exp(-x));
  const output = new Array<number[]>(steps * batch);
  for (let b = 0; b < batch; b++) {
    const states: { h: number[]; c: number[] }[] = [];
    for (let t = 0; t < steps; t++) {
      const at = t * batch + b;
      const table = variables.embedding;
      const size = table?.shape[1] ?? input.length / (steps * batch);
      let x = Array.from({ length: size }, (_, k) =>
        table === undefined ? input[at * size + k]! : table.data[input[at]! * size + k]!,
      );
      for (let layer = 0; ; layer++) {
        const kernel = variables[`${stack}/cell_${layer}/basic_lstm_cell/weights`];
        const bias = variables[`${stack}/cell_${layer}/basic_lstm_cell/biases`]?.data;
        if (kernel === undefined || bias === undefined) break;
        const units = bias.length / 4;
        states[layer] ??= { h: new Array(units).fill(0), c: new Array(units).fill(0) };
        const { h, c } = states[layer];
        const inputs = [...x, ...h];
        const sums = Array.from(bias, (value, column) =>
          inputs.reduce((sum, one, row) => sum + one * kernel.data[row * 4 * units + column]!, value),
        );
        for (let u = 0; u < units; u++) {
          const [i, j, f, o] = [0, 1, 2, 3].map((gate) => sums[gate * units + u]!) as [
            number,
            number,
            number,
            number,
          ];
          c[u] = c[u]! * sigma(f + forgetBias) + sigma(i) * Math.tanh(j);
          h[u] = Math.tanh(c[u]) * sigma(o);
        }
        x = [...h];
      }
      const weight = variables['rnnlm/softmax_w'];
      const bias = variables['rnnlm/softmax_b']?.data;
      output[at] =
        weight === undefined
          ? x
          : Array.from({ length: weight.shape[1]! }, (_, o) =>
              x.reduce((sum, one, k) => sum + one * weight.data[k * weight.shape[1]! + o]!, bias?.[o] ?? 0),
            );
    }
  }
  return output.flat();
}

/** The files of the folder in which deeplearn.js kept variables, by their names. */
export function dumpFolder(
  variables: Tensors,
  characters: Record<string, number>,
): Record<string, Json | Uint8Array> {
  const manifest: Record<string, Json> = {};
  const files: Record<string, Json | Uint8Array> = { 'manifest.json': manifest, 'vocab.json': characters };
  for (const [name, { shape, data }] of Object.entries(variables)) {
    const filename = name.replaceAll('/', '_');
    manifest[name] = { filename, shape };
    files[filename] = f32Bytes(data);
  }
  return files;
}
