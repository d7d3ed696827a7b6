import { seededRandom } from '#dist/base/random.js';

/** RNNoise files made from the formats' definitions, with the numbers that are in them. */

/** A layer of the text format: weights [inputs][gates · neurons] of bytes. */
export interface TextLayer {
  inputs: number;
  neurons: number;
  activation: 0 | 1 | 2;
  weights: number[];
  recurrent: number[];
  bias: number[];
}

export const textNames = [
  'input_dense',
  'vad_gru',
  'noise_gru',
  'denoise_gru',
  'denoise_output',
  'vad_output',
] as const;
export type TextModel = Record<(typeof textNames)[number], TextLayer>;

/** A small model of RNNoise 0.1's shape, of odd sizes. */
export function drawText(seed: number, features = 7): TextModel {
  const random = seededRandom(seed);
  const draw = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 256) - 128);
  const layer = (inputs: number, neurons: number, gates: number, activation: 0 | 1 | 2): TextLayer => ({
    ...{ inputs, neurons, activation },
    weights: draw(inputs * neurons * gates),
    recurrent: draw(gates === 3 ? neurons * neurons * 3 : 0),
    bias: draw(neurons * gates),
  });
  return {
    input_dense: layer(features, 5, 1, 0),
    vad_gru: layer(5, 6, 3, 0),
    noise_gru: layer(5 + 6 + features, 9, 3, 2),
    denoise_gru: layer(6 + 9 + features, 11, 3, 0),
    denoise_output: layer(11, 4, 1, 1),
    vad_output: layer(6, 1, 1, 1),
  };
}

export function textFile(model: TextModel): Uint8Array {
  const lines = ['rnnoise-nu model file version 1'];
  for (const name of textNames) {
    const { inputs, neurons, activation, weights, recurrent, bias } = model[name];
    lines.push(`${inputs} ${neurons} ${activation}`);
    for (const values of [weights, recurrent, bias]) if (values.length > 0) lines.push(values.join(' '));
  }
  return new TextEncoder().encode(`${lines.join('\n')}\n`);
}

const types = { float: 0, int: 1, int8: 3 } as const;

export interface BlobArray {
  name: string;
  type: keyof typeof types;
  values: ArrayLike<number>;
}

/** Arrays one after the other, each behind its head of 64 bytes and padded to a multiple of 64. */
export function blobFile(arrays: readonly BlobArray[]): Uint8Array {
  const parts = arrays.map(({ name, type, values }) => {
    const width = type === 'int8' ? 1 : 4;
    const size = values.length * width;
    const block = Math.ceil(size / 64) * 64;
    const bytes = new Uint8Array(64 + block);
    const view = new DataView(bytes.buffer);
    bytes.set(new TextEncoder().encode('DNNw'));
    for (const [at, value] of [0, types[type], size, block].entries()) view.setInt32(4 + at * 4, value, true);
    bytes.set(new TextEncoder().encode(name), 20);
    for (let i = 0; i < values.length; i++) {
      if (type === 'float') view.setFloat32(64 + i * 4, values[i]!, true);
      else if (type === 'int') view.setInt32(64 + i * 4, values[i]!, true);
      else view.setInt8(64 + i, values[i]!);
    }
    return bytes;
  });
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** How the weights of a linear layer are written. */
export type Form = 'float' | 'int8' | 'sparse float' | 'sparse int8';

/** A linear layer of a blob: what it computes with, plain. */
export interface BlobLinear {
  inputs: number;
  outputs: number;
  /** [inputs][outputs] */
  weights: Float64Array;
  bias: Float32Array;
  /** [outputs] */
  diagonal: Float32Array | undefined;
}

/** Draws a linear layer and writes its arrays; what int8 rounds away is gone from the weights, too. */
export function drawLinear(
  random: () => number,
  name: string,
  inputs: number,
  outputs: number,
  form: Form,
  hasDiagonal = false,
): { linear: BlobLinear; arrays: BlobArray[] } {
  const isSparse = form.startsWith('sparse');
  const isInt = form.endsWith('int8');
  const weights = new Float64Array(inputs * outputs);
  const bias = Float32Array.from({ length: outputs }, () => random() - 0.5);
  const scale = Float32Array.from({ length: outputs }, () => (0.2 + random()) / 127 / 127 / 4);
  const stream: number[] = [];
  const values: number[] = [];
  const draw = () => (isInt ? Math.floor(random() * 255) - 127 : Math.fround((random() - 0.5) / 2));
  const put = (j: number, i: number, value: number) => {
    weights[j * outputs + i] = isInt ? value * 127 * scale[i]! : value;
  };
  if (isSparse || isInt) {
    for (let i = 0; i < outputs; i += 8) {
      const firsts = [];
      for (let j = 0; j < inputs; j += 4) if (!isSparse || random() < 0.4) firsts.push(j);
      stream.push(firsts.length, ...firsts);
      for (const j of firsts) {
        for (let n = 0; n < 32; n++) {
          // Floats go input by input, bytes output by output.
          const [k, r] = isInt ? [n % 4, n >> 2] : [n >> 3, n % 8];
          const value = draw();
          values.push(value);
          put(j + k, i + r, value);
        }
      }
    }
  } else {
    for (let j = 0; j < inputs; j++) {
      for (let i = 0; i < outputs; i++) {
        const value = draw();
        values.push(value);
        put(j, i, value);
      }
    }
  }
  const diagonal = hasDiagonal ? Float32Array.from({ length: outputs }, () => random() - 0.5) : undefined;
  const arrays: BlobArray[] = [{ name: `${name}_bias`, type: 'float', values: bias }];
  if (diagonal !== undefined) arrays.push({ name: `${name}_weights_diag`, type: 'float', values: diagonal });
  if (isInt) {
    const subias = Float32Array.from(bias, (b, i) => {
      let sum = 0;
      for (let j = 0; j < inputs; j++) sum += weights[j * outputs + i]!;
      return b - sum;
    });
    arrays.push({ name: `${name}_weights_int8`, type: 'int8', values });
    arrays.push({ name: `${name}_scale`, type: 'float', values: scale });
    arrays.push({ name: `${name}_subias`, type: 'float', values: subias });
  } else arrays.push({ name: `${name}_weights_float`, type: 'float', values });
  if (isSparse) arrays.push({ name: `${name}_weights_idx`, type: 'int', values: stream });
  return { linear: { inputs, outputs, weights, bias, diagonal }, arrays };
}

export interface BlobModel {
  linears: Record<string, BlobLinear>;
  arrays: BlobArray[];
  features: number;
  /** whether the outputs read all that was before, as later versions do */
  skips: boolean;
}

/** A small model of the later versions' shape. */
export function drawBlob(seed: number, form: Form, skips: boolean): BlobModel {
  const random = seededRandom(seed);
  const [features, first, second, hidden, gains] = [4, 8, 16, 16, 8];
  const linears: Record<string, BlobLinear> = {};
  const arrays: BlobArray[] = [];
  const add = (name: string, inputs: number, outputs: number, own: Form, hasDiagonal = false) => {
    const made = drawLinear(random, name, inputs, outputs, own, hasDiagonal);
    linears[name] = made.linear;
    arrays.push(...made.arrays);
  };
  const plain: Form = form.endsWith('int8') ? 'int8' : 'float';
  add('conv1', features * 3, first, plain);
  add('conv2', first * 3, second, plain);
  for (const [n, width] of [second, hidden, hidden].entries()) {
    add(`gru${n + 1}_input`, width, hidden * 3, form);
    add(`gru${n + 1}_recurrent`, hidden, hidden * 3, form, form.startsWith('sparse'));
  }
  const seen = skips ? second + 3 * hidden : hidden;
  add('dense_out', seen, gains, plain);
  add('vad_dense', seen, 1, 'float');
  return { linears, arrays, features, skips };
}
