import type { Func, FunctionName } from './functions.js';

/** What every layer of a model has. */
interface Wired {
  /** its tensors' names begin with it; unlike every other layer's */
  name: string;
  /**
   * What it reads: names of layers before it, or 'input' for the model's x. Several stand side by side along the
   * features, in this order. Default: the layer before it, which makes a stack.
   */
  inputs?: string[];
}

/** Looks a row of `weight` up for each id. ids [T, B] → y [T, B, size]. Only on the model's input. */
export interface EmbeddingSpec extends Wired {
  kind: 'embedding';
  /** number of rows; ids are within 0..count-1; its tensor is `${name}.weight` [count, size] */
  count: number;
  /** number of outputs per id */
  size: number;
}

/** In which order a layer goes through the steps; 'bidirectional' does both and gives [T, B, 2·H], forward first. */
export type Direction = 'forward' | 'reverse' | 'bidirectional';

/** Units × columns of a strip of recurrent weights. */
export type StripShape = '8x4' | '16x1' | '4x4';

/**
 * Block-sparse recurrent weights, the form of WaveRNN, LPCNet and RNNoise: in every gate only some strips of the matrix
 * and, where it is kept, the diagonal. U is the diagonal plus the sum of the strips. Tensors:
 *
 *   `${name}.weight_hh` [count, rows · columns]: the strips, gate after gate, in a gate from the first units to the last,
 *     each column after column; values for units past the last are not used
 *   `${name}.strips` [G · ⌈H / rows⌉ + count]: for each row of strips, in the same order, how many it has and the first
 *     column of each
 *   `${name}.diagonal` [G · H], where it is kept
 */
export interface StripsSpec {
  /** units × columns of each */
  shape: StripShape;
  /** strips in all */
  count: number;
  /** whether the diagonal is kept beside the strips; default false */
  diagonal?: boolean;
}

/**
 * Tensors `${name}.weight_ih`, `.weight_hh`, `.bias_ih` and `.bias_hh`; those of the way back end in `_reverse`, as
 * PyTorch's do, also when it is the only one.
 */
interface RecurrentSpec extends Wired {
  /** I */
  inputSize: number;
  /** H */
  hiddenSize: number;
  /** N, a divisor of H: 1 is dense, H is diagonal. Default 1. */
  blocks?: number;
  /** default: none; only of a layer with one block that goes forward */
  strips?: StripsSpec;
  /** default 'forward'; another one needs whole sequences, so such a model has `run` and no sessions */
  direction?: Direction;
  /** every gate's input is limited to ±clip before its function (ONNX); default: not at all */
  clip?: number;
}

/** torch.nn.LSTM's equations; gates i f g o. */
export interface LstmSpec extends RecurrentSpec {
  kind: 'lstm';
  /** of the gates, of the candidate and of the cell on its way out (ONNX f, g, h); default sigmoid, tanh, tanh */
  activations?: Func[];
  /** whether the forget gate is one minus the input gate (ONNX input_forget); its weights are not used then */
  coupled?: boolean;
  /**
   * whether gates see the cell (Gers & Schmidhuber 2000; ONNX P): i and f the one before, o the new one. Tensor
   * `${name}.weight_peephole` [3·H], i f o
   */
  peepholes?: boolean;
}

/**
 * Gates r z n. `resetAfter: true` (default) is torch.nn.GRU: n = tanh(Wx + b + r (Uh + c));
 * `false` is Cho et al. 2014 and ONNX's default: n = tanh(Wx + b + U (r h) + c).
 */
export interface GruSpec extends RecurrentSpec {
  kind: 'gru';
  /** whether the reset gate is applied after the recurrent product; default true */
  resetAfter?: boolean;
  /** of the gates and of the candidate (ONNX f, g); default sigmoid, tanh */
  activations?: Func[];
}

/** torch.nn.RNN's equation: h' = f(Wx + b + Uh + c). */
export interface ElmanSpec extends RecurrentSpec {
  kind: 'elman';
  /** f; default 'tanh' */
  activation?: Func;
}

/** y = x weightᵀ + bias; weight [O, I]. The bias may be left out of the tensors when `bias` is false. */
export interface LinearSpec extends Wired {
  kind: 'linear';
  /** I; tensors `${name}.weight` [O, I] and `${name}.bias` [O] */
  inputSize: number;
  /** O */
  outputSize: number;
  /** default true */
  bias?: boolean;
}

/** An element-wise function, or a softmax over the features of each step and stream. It has no tensors. */
export interface ActivationSpec extends Wired {
  kind: 'activation';
  /** which function */
  activation: FunctionName | 'softmax' | 'logSoftmax';
  /** as the function says */
  alpha?: number;
  /** as the function says */
  beta?: number;
}

/** Its inputs, two or more of the same width, one with another, element by element: a − b − c. It has no tensors. */
export interface CombineSpec extends Wired {
  kind: 'combine';
  combine: 'add' | 'subtract' | 'multiply' | 'divide';
  inputs: string[];
}

/** y = x · weight + bias, element by element; tensors `${name}.weight` and `${name}.bias`, both [size]. */
export interface ScaleSpec extends Wired {
  kind: 'scale';
  /** number of features */
  size: number;
}

/**
 * Normalises the features of each step and stream, group by group. 'layer': y = (x − mean) / √(variance + epsilon) ·
 * weight + bias (Ba et al. 2016; torch.nn.LayerNorm, and GroupNorm over features with more than one group). 'rms':
 * y = x / √(mean of x² + epsilon) · weight (Zhang & Sennrich 2019). Tensors `${name}.weight` and, of 'layer',
 * `${name}.bias`, [size].
 */
export interface NormSpec extends Wired {
  kind: 'norm';
  /** number of features */
  size: number;
  /** default 'layer' */
  norm?: 'layer' | 'rms';
  /** into how many equal groups the features are cut; default 1 */
  groups?: number;
  /** above 0; default 1e-5 */
  epsilon?: number;
}

/** Features [from, to) of its input. It has no tensors. */
export interface SliceSpec extends Wired {
  kind: 'slice';
  /** number of features that come in */
  inputSize: number;
  /** the first feature that goes out */
  from: number;
  /** one more than the last */
  to: number;
}

/** A layer with a recurrent state. */
export type RecurrentLayerSpec = LstmSpec | GruSpec | ElmanSpec;
/** A layer of a model. Every size is within 1..131072, and names differ. */
export type LayerSpec =
  | EmbeddingSpec
  | RecurrentLayerSpec
  | LinearSpec
  | ActivationSpec
  | CombineSpec
  | ScaleSpec
  | NormSpec
  | SliceSpec;

/** Layers, each of which reads the one before it unless it says what it reads. Plain data; survives JSON. */
export interface ModelSpec {
  /** 1..1000, from the input to the output, which is the last one's; each one's inputSize is the width of what it reads */
  layers: LayerSpec[];
}

export function isRecurrent(layer: LayerSpec): layer is RecurrentLayerSpec {
  return layer.kind === 'lstm' || layer.kind === 'gru' || layer.kind === 'elman';
}

/** N of a recurrent layer. */
export function blocksOf(layer: RecurrentLayerSpec): number {
  return layer.blocks ?? 1;
}

/** The directions in which a recurrent layer goes, in the order in which it stands in state and output. */
export function directionsOf({ direction = 'forward' }: RecurrentLayerSpec): ('forward' | 'reverse')[] {
  return direction === 'bidirectional' ? ['forward', 'reverse'] : [direction];
}
