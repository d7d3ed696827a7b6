import { FormatError, MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { type BlobArray, bytesOf, floatsOf, integersOf } from './blob.js';

/**
 * The linear layers of a blob, y = W x + b + d ∘ x, as linear_init of parse_lpcnet_weights.c finds them: arrays
 * `${name}_bias`, `${name}_weights_float`, `${name}_weights_int8` with `${name}_scale`, `${name}_weights_idx`,
 * `${name}_weights_diag`, of which a layer has some. Floats, where there are any, are what counts.
 *
 * Bytes q are weights q · 127 · scale of their output: nnet.c multiplies them by x in 127ths, and the scale has these
 * 127ths in it. `${name}_subias` is the bias less Σ q · 127 · scale, for processors whose x has no sign; the bias says
 * the same.
 *
 * Where there are indices, weights are strips of 8 outputs and 4 inputs: for each 8 outputs the number of strips and the
 * first input of each. Within a strip floats go input by input, bytes output by output; without indices floats are
 * [inputs][outputs], and bytes are strips that cover everything.
 */
export interface Linear {
  outputs: number;
  inputs: number;
  /** [outputs], zeros where there is none */
  bias: Float32Array;
  /** [outputs], beside the other weights; undefined where there is none */
  diagonal: Float32Array | undefined;
  weights: Weights;
}

/** [outputs, inputs], or strips. */
type Weights = { dense: Float32Array } | Strips;

/** The index stream and, strip by strip, [4 inputs][8 outputs]: as a layer with strips of 8×4 has them. */
interface Strips {
  stream: Int32Array;
  values: Float32Array;
}

const height = 8;
const width = 4;
const area = height * width;
/** MAX_INPUTS, and the gates of MAX_RNN_NEURONS_ALL */
const mostInputs = 2048;
const mostOutputs = 3 * 1024;

/** The arrays of a blob, of which layers take theirs. */
export class Arrays {
  readonly #left: Map<string, BlobArray>;

  constructor(all: ReadonlyMap<string, BlobArray>) {
    this.#left = new Map(all);
  }

  take(name: string): BlobArray | undefined {
    const array = this.#left.get(name);
    this.#left.delete(name);
    return array;
  }

  /** names of those that nobody has taken */
  left(): string[] {
    return [...this.#left.keys()];
  }
}

/**
 * Takes the arrays of a layer.
 * @param inputs how many there are, where that is known: indices do not tell
 * @param hasDiagonal whether it may have one beside the other weights, as those of a GRU's state may
 * @throws FormatError, MismatchError naming the array
 */
export function takeLinear(arrays: Arrays, name: string, inputs?: number, hasDiagonal = false): Linear {
  const [bias, subias, scale, floats, bytes, indices] = [
    ...['bias', 'subias', 'scale', 'weights_float', 'weights_int8', 'weights_idx'],
  ].map((end) => arrays.take(`${name}_${end}`));
  const diagonal = hasDiagonal ? arrays.take(`${name}_weights_diag`) : undefined;
  const sized = bias ?? scale ?? subias;
  const stored = floats ?? bytes;
  if (sized === undefined || stored === undefined)
    throw new MismatchError(
      `the RNNoise blob has no whole layer ${show(name)}: its bias or its weights are missing.`,
    );
  const outputs = floatsOf(sized).length;
  const count = floats === undefined ? bytesOf(stored).length : floatsOf(stored).length;
  const columns = inputs ?? count / outputs;
  if (!(outputs <= mostOutputs && columns <= mostInputs))
    throw mismatch(stored, `${outputs} outputs and ${columns} inputs are more than nnet.c has room for`);
  const vector = (array: BlobArray) => {
    const values = floatsOf(array);
    if (values.length === outputs) return values;
    throw mismatch(array, `it has ${values.length} values for ${outputs} outputs`);
  };
  const isWhole = indices === undefined;
  if (isWhole && count !== columns * outputs)
    throw mismatch(stored, `its ${count} weights do not fit ${outputs} outputs and ${columns} inputs`);
  const isCut = !isWhole || floats === undefined;
  if (isCut && (outputs % height !== 0 || columns % width !== 0))
    throw mismatch(
      stored,
      `it needs outputs in eights and inputs in fours; there are ${outputs} and ${columns}`,
    );
  if (subias !== undefined) vector(subias);
  const linear = {
    ...{ outputs, inputs: columns },
    bias: bias === undefined ? new Float32Array(outputs) : vector(bias),
    diagonal: diagonal === undefined ? undefined : vector(diagonal),
  };
  if (!isCut) return { ...linear, weights: { dense: transpose(floatsOf(stored), columns, outputs) } };
  const stream = isWhole ? coverAll(outputs, columns) : checkStream(indices, outputs, columns, count, stored);
  if (floats === undefined && scale === undefined)
    throw mismatch(stored, `there is no ${show(`${name}_scale`)}`);
  const values =
    floats === undefined ? dequantise(bytesOf(stored), stream, vector(scale!)) : floatsOf(stored);
  const strips = { stream, values };
  return { ...linear, weights: isWhole ? { dense: scatter(strips, outputs, columns) } : strips };
}

/** W of a layer, [outputs, inputs], without the diagonal. */
export function denseOf({ weights, outputs, inputs }: Linear): Float32Array {
  return 'dense' in weights ? weights.dense : scatter(weights, outputs, inputs);
}

/** The rows of strips of an index stream: of each, its number of strips and the first inputs. */
export function* rowsOf(stream: Int32Array): Generator<Int32Array> {
  for (let at = 0; at < stream.length; ) {
    const next = at + 1 + stream[at]!;
    yield stream.subarray(at + 1, next);
    at = next;
  }
}

function checkStream(
  array: BlobArray,
  outputs: number,
  inputs: number,
  count: number,
  stored: BlobArray,
): Int32Array {
  const stream = integersOf(array);
  const fail = (at: number, problem: string) =>
    new FormatError(
      `the RNNoise blob is broken: array ${show(array.name)}: value ${at} is ${stream[at]}, ${problem}.`,
      {
        offset: array.offset + at * 4,
        tensor: array.name,
      },
    );
  let strips = 0;
  let at = 0;
  for (let row = 0; row < outputs / height; row++) {
    const some = stream[at];
    if (some === undefined)
      throw mismatch(array, `it ends after ${row} of ${outputs / height} rows of strips`);
    if (some < 0 || some >= stream.length - at) throw fail(at, 'which must be the number of strips in a row');
    at++;
    for (const end = at + some; at < end; at++) {
      const first = stream[at]!;
      if (first < 0 || first % width !== 0 || first + width > inputs)
        throw fail(at, `which must be a multiple of ${width} below ${inputs}`);
    }
    strips += some;
  }
  if (at !== stream.length) throw fail(at, 'and more follows the last row of strips');
  if (count !== strips * area)
    throw mismatch(
      stored,
      `it has ${count} weights, and ${show(array.name)} places ${strips} strips of ${area}`,
    );
  return stream;
}

/** The index stream of all strips. */
function coverAll(outputs: number, inputs: number): Int32Array {
  const across = inputs / width;
  return Int32Array.from({ length: (outputs / height) * (across + 1) }, (_, at) => {
    const place = at % (across + 1);
    return place === 0 ? across : (place - 1) * width;
  });
}

/** Bytes, output by output in each strip, as weights, input by input. */
function dequantise(bytes: Int8Array, stream: Int32Array, scale: Float32Array): Float32Array {
  const values = new Float32Array(bytes.length);
  let strip = 0;
  let output = 0;
  for (const row of rowsOf(stream)) {
    for (const end = strip + row.length; strip < end; strip++) {
      for (let r = 0; r < height; r++) {
        for (let k = 0; k < width; k++)
          values[strip * area + k * height + r] =
            bytes[strip * area + r * width + k]! * 127 * scale[output + r]!;
      }
    }
    output += height;
  }
  return values;
}

function scatter({ stream, values }: Strips, outputs: number, inputs: number): Float32Array {
  const dense = new Float32Array(outputs * inputs);
  let at = 0;
  let output = 0;
  for (const row of rowsOf(stream)) {
    for (const first of row) {
      for (let k = 0; k < width; k++) {
        for (let r = 0; r < height; r++) dense[(output + r) * inputs + first + k]! += values[at++]!;
      }
    }
    output += height;
  }
  return dense;
}

/** [inputs, outputs] → [outputs, inputs] */
export function transpose(values: ArrayLike<number>, inputs: number, outputs: number): Float32Array {
  const turned = new Float32Array(inputs * outputs);
  for (let j = 0; j < inputs; j++) {
    for (let i = 0; i < outputs; i++) turned[i * inputs + j] = values[j * outputs + i]!;
  }
  return turned;
}

function mismatch({ name }: BlobArray, problem: string): MismatchError {
  return new MismatchError(`array ${show(name)} of the RNNoise blob: ${problem}.`);
}
