import { FormatError } from '../../base/errors.js';
import type { FunctionName } from '../../model/functions.js';

/**
 * RNNoise's text format of 2018 (rnn_reader.c of RNNoise 0.1.1 and of rnnoise-nu):
 *
 *   rnnoise-nu model file version 1
 *   then whole numbers between white space, for six layers one after the other:
 *     dense   inputs neurons activation  weights [inputs][neurons]                            bias [neurons]
 *     gru     inputs neurons activation  weights [inputs][3·neurons]  recurrent [neurons][3·neurons]  bias [3·neurons]
 *
 * Sizes are at most 128; an activation is 0 tanh, 1 sigmoid or 2 relu; weights are bytes with a sign, in 256ths. A GRU's
 * columns are its gates z r h.
 */
export const textHead = 'rnnoise-nu model file version ';

/** Most inputs or neurons of a layer. */
const mostSize = 128;
const activations = ['tanh', 'sigmoid', 'relu'] as const satisfies readonly FunctionName[];

/** A layer as it stands in the file; weights are still in 256ths. */
export interface TextLayer {
  inputs: number;
  neurons: number;
  activation: (typeof activations)[number];
  weights: Int8Array;
  /** of a GRU alone */
  recurrent: Int8Array;
  bias: Int8Array;
  /** where the layer begins, for messages */
  offset: number;
}

export const textLayers = [
  'input_dense',
  'vad_gru',
  'noise_gru',
  'denoise_gru',
  'denoise_output',
  'vad_output',
] as const;
export type TextLayerName = (typeof textLayers)[number];

/**
 * Reads the layers of a text file.
 * @throws FormatError with the byte and the layer
 */
export function readText(bytes: Uint8Array): Record<TextLayerName, TextLayer> {
  const numbers = new Numbers(bytes, textHead.length);
  const version = numbers.next('the version');
  if (version !== 1)
    throw new FormatError(`this RNNoise file is of version ${version}; version 1 is read.`, {
      offset: textHead.length,
    });
  const layers = {} as Record<TextLayerName, TextLayer>;
  for (const name of textLayers) layers[name] = readLayer(numbers, name);
  numbers.end();
  return layers;
}

function readLayer(numbers: Numbers, name: TextLayerName): TextLayer {
  const gates = name.endsWith('_gru') ? 3 : 1;
  const inputs = numbers.within(`${name}: the number of inputs`, 1, mostSize);
  const offset = numbers.at;
  const neurons = numbers.within(`${name}: the number of neurons`, 1, mostSize);
  const activation = activations[numbers.within(`${name}: the activation`, 0, activations.length - 1)]!;
  return {
    inputs,
    neurons,
    activation,
    weights: numbers.bytes(`${name}: a weight`, inputs * neurons * gates),
    recurrent: numbers.bytes(`${name}: a recurrent weight`, gates === 3 ? neurons * neurons * 3 : 0),
    bias: numbers.bytes(`${name}: a bias`, neurons * gates),
    offset,
  };
}

/** Whole numbers between white space. */
class Numbers {
  /** where the last number began */
  at: number;
  #next: number;

  constructor(
    readonly text: Uint8Array,
    start: number,
  ) {
    this.at = start;
    this.#next = start;
  }

  next(what: string): number {
    this.#skipSpace();
    this.at = this.#next;
    const sign = this.text[this.at] === 0x2d ? -1 : 1;
    if (sign < 0 || this.text[this.at] === 0x2b) this.#next++;
    let value = 0;
    const first = this.#next;
    for (; isDigit(this.text[this.#next]); this.#next++)
      value = Math.min(value * 10 + (this.text[this.#next]! - 0x30), Number.MAX_SAFE_INTEGER);
    const after = this.text[this.#next];
    if (first === this.#next || (after !== undefined && !isSpace(after))) {
      const problem = this.at >= this.text.length ? 'the file ends before it' : 'there is none';
      throw this.#fail(`${what} must be a whole number, and ${problem}`);
    }
    return sign * value;
  }

  within(what: string, least: number, most: number): number {
    const value = this.next(what);
    if (value >= least && value <= most) return value;
    throw this.#fail(`${what} must be within ${least}..${most}, it is ${value}`);
  }

  bytes(what: string, count: number): Int8Array {
    const values = new Int8Array(count);
    for (let i = 0; i < count; i++) values[i] = this.within(what, -128, 127);
    return values;
  }

  end(): void {
    this.#skipSpace();
    this.at = this.#next;
    if (this.at < this.text.length) throw this.#fail('more follows the last layer');
  }

  #skipSpace(): void {
    while (isSpace(this.text[this.#next])) this.#next++;
  }

  #fail(problem: string): FormatError {
    return new FormatError(`the RNNoise text file is broken at byte ${this.at}: ${problem}.`, {
      offset: this.at,
    });
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}
