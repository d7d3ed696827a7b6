import type { Func, FunctionName } from './functions.js';

/** What every layer of a model has. */
interface Wired {
  /** its tensors' names begin with it; unlike every other layer's */
  name: string;
  /**
   * What it reads: names of layers before it, or 'input' for the model's x; of a `delay` any layer's. Several stand side by
   * side along the features, in this order. Default: the layer before it, which makes a stack.
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

/** What every recurrent layer has. The names of the tensors of the way back end in `_reverse`, also when it is the only one. */
interface RecurrentSpec extends Wired {
  /** I */
  inputSize: number;
  /** H */
  hiddenSize: number;
  /**
   * M, a divisor of I and of H: unit u reads block ⌊u·M/H⌋ of M blocks of inputs alone, and weight_ih is [G·H, I/M].
   * Default 1. It need not be N.
   */
  inputBlocks?: number;
  /** default 'forward'; another one needs whole sequences, so such a model has `run` and no sessions */
  direction?: Direction;
}

interface BlockSpec extends RecurrentSpec {
  /** N, a divisor of H: 1 is dense, H is diagonal. Default 1. */
  blocks?: number;
}

interface RaggedSpec extends BlockSpec {
  /**
   * in place of `blocks`: units of each block, 1..1000 blocks that sum to H. D, the columns of weight_hh, is the largest
   * of them; a row begins with the states of its own block, and what is behind them is not used.
   */
  blockSizes?: number[];
}

/** Tensors `${name}.weight_ih` [G·H, I], `.weight_hh` [G·H, H/N], `.bias_ih` and `.bias_hh` [G·H], as PyTorch's. */
interface GateSpec extends RaggedSpec {
  /** default: none; only of a layer with one block that goes forward */
  strips?: StripsSpec;
  /** every gate's input is limited to ±clip before its function (ONNX); an LSTM's cell is not; default: not at all */
  clip?: number;
  /**
   * z, the probability, 0..1, with which zoneout (Krueger et al. 2017) kept a unit's h while the model was trained. A run
   * takes the mean: h' = z h + (1 − z) of what the cell gives. Default 0
   */
  zoneout?: number;
}

/** torch.nn.LSTM's equations; gates i f g o. */
export interface LstmSpec extends GateSpec {
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
  /**
   * P, less than H: the output, which is also what recurs, is weight_hr [P, H] times o h(c) (Sak et al. 2014; proj_size
   * of torch.nn.LSTM). Then weight_hh is [4·H, P], the state h [B, P], and blocks 1.
   */
  projectionSize?: number;
  /** the same as zoneout for c; what the step gives is made of the c before it is mixed; default 0 */
  zoneoutCell?: number;
}

/**
 * Gates r z n. `resetAfter: true` (default) is torch.nn.GRU: n = tanh(Wx + b + r (Uh + c));
 * `false` is Cho et al. 2014 and ONNX's default: n = tanh(Wx + b + U (r h) + c).
 */
export interface GruSpec extends GateSpec {
  kind: 'gru';
  /** whether the reset gate is applied after the recurrent product; default true */
  resetAfter?: boolean;
  /** of the gates and of the candidate (ONNX f, g); default sigmoid, tanh */
  activations?: Func[];
}

/** torch.nn.RNN's equation: h' = f(Wx + b + Uh + c). */
export interface ElmanSpec extends GateSpec {
  kind: 'elman';
  /** f; default 'tanh' */
  activation?: Func;
}

/**
 * The sLSTM of xLSTM (Beck et al. 2024), whose blocks are its heads; gates i f z o. Input and forget gate are
 * exponential, kept as multiples of e^m: l = m + ln σ(f), m' = max(i, l), or i where n = 0;
 * c' = e^(l − m') c + e^(i − m') tanh(z), n' = e^(l − m') n + e^(i − m'), h' = σ(o) c' / n'.
 * Tensors `${name}.weight_ih` [4·H, I], `.weight_hh` [4·H, H/N] and `.bias` [4·H].
 */
export interface SlstmSpec extends RaggedSpec {
  kind: 'slstm';
}

/**
 * An LSTM with layer normalisation (Ba et al. 2016, equations 20 to 22); gates i f g o. With n(v) =
 * (v − mean) / √(variance + epsilon), over all 4·H rows and over all H units, whatever the blocks:
 * a = gain_ih n(W_ih x) + gain_hh n(W_hh h) + bias, c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(gain_c n(c') + bias_c).
 * Tensors `${name}.weight_ih` [4·H, I], `.weight_hh` [4·H, H/N], `.gain_ih`, `.gain_hh` and `.bias` [4·H], `.gain_c` and
 * `.bias_c` [H].
 */
export interface LnLstmSpec extends BlockSpec {
  kind: 'lnlstm';
  /** above 0; default 1e-5 */
  epsilon?: number;
}

/**
 * A GRU with layer normalisation, that of haste (LayerNormGRU of lmnt-com/haste), which resets after the product; gates
 * r z n. With n(v) as above, over all 3·H rows, whatever the blocks: a = gain_ih n(W_ih x) + bias_ih,
 * s = gain_hh n(W_hh h) + bias_hh, r = σ(a + s), z = σ(a + s), n = tanh(a + r s), h' = (1 − z) n + z h.
 * Tensors `${name}.weight_ih` [3·H, I], `.weight_hh` [3·H, H/N], `.gain_ih`, `.gain_hh`, `.bias_ih` and `.bias_hh` [3·H].
 */
export interface LnGruSpec extends BlockSpec {
  kind: 'lngru';
  /** above 0; default 1e-5 */
  epsilon?: number;
}

/**
 * SRU (Lei et al. 2018): f = σ(W_f x + v_f c + b_f), r = σ(W_r x + v_r c + b_r), c' = f c + (1 − f) W x,
 * h = r c' + (1 − r) x'. Where I = H, x' is x times `scale`; else W_x x.
 * Tensors `${name}.weight_ih` [3·H, I], W W_f W_r, or [4·H, I] with W_x; `.weight_c` and `.bias` [2·H], f r.
 */
export interface SruSpec extends RecurrentSpec {
  kind: 'sru';
  /** default 1; only where I = H */
  scale?: number;
}

/**
 * QRNN (Bradbury et al. 2017) with fo-pooling: c' = σ(f) c + (1 − σ(f)) tanh(z), h = σ(o) c', and z f o = W x + b.
 * Tensors `${name}.weight_ih` [3·H, I] and `.bias` [3·H]. For a window of two steps it reads x and a `delay` of x.
 */
export interface QrnnSpec extends RecurrentSpec {
  kind: 'qrnn';
}

/**
 * y = x weightᵀ + bias; weight [O, I]. The bias may be left out of the tensors when `bias` is false. With N blocks weight is
 * block-diagonal, [O, I/N]: row n·O/N + i is output i of block n, over inputs n·I/N to (n + 1)·I/N alone.
 */
export interface LinearSpec extends Wired {
  kind: 'linear';
  /** I; tensors `${name}.weight` [O, I/N] and `${name}.bias` [O] */
  inputSize: number;
  /** O */
  outputSize: number;
  /** N, a divisor of I and of O; I = O = N is diagonal. Default 1. */
  blocks?: number;
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
  /** what is done with them, from the first to the last */
  combine: 'add' | 'subtract' | 'multiply' | 'divide';
  /** two or more */
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

/**
 * Features in another order: y_j = x of order_j (the channel shuffle of ShuffleNet, Zhang et al. 2018), so that blocks of
 * one layer meet in the next. Tensor `${name}.order` [size]: each whole number within 0..size-1 once. Where all that
 * read it are linear or recurrent layers with a dense matrix for it, it costs nothing: their columns are put in its order.
 */
export interface ShuffleSpec extends Wired {
  kind: 'shuffle';
  /** number of features */
  size: number;
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

/**
 * Each feature over the last steps: y = bias + Σ_j weight_j x of width − 1 − j steps ago; before the first step there are
 * zeros. A causal depthwise torch.nn.Conv1d, whose weight [size, 1, width] is the same numbers. Tensors `${name}.weight`
 * [size, width] and `${name}.bias` [size]. Its state is h [B, (width − 1)·size], the inputs that it still needs, the
 * oldest first.
 */
export interface ConvSpec extends Wired {
  kind: 'conv';
  /** number of features */
  size: number;
  /** steps, 2..64 */
  width: number;
  /** default true */
  bias?: boolean;
}

/**
 * What came in some steps ago; zeros before the first. It has no tensors. Its state is h [B, steps·size], the last
 * inputs, the oldest first.
 *
 * It may read itself and layers behind it, and so feed a model back: `{ kind: 'delay', name: 'before', size: 8, inputs:
 * ['out'] }`, where 'out' is made of 'before'. Layers that come back to themselves that way run step by step, and cannot go
 * backward; all others run as ever.
 */
export interface DelaySpec extends Wired {
  kind: 'delay';
  /** number of features */
  size: number;
  /** 1..64; default 1 */
  steps?: number;
}

/** Layers that PyTorch and ONNX have, too. */
export type CommonLayerSpec = LstmSpec | GruSpec | ElmanSpec;
/** A layer that recurs. */
export type RecurrentLayerSpec = CommonLayerSpec | SlstmSpec | LnLstmSpec | LnGruSpec | SruSpec | QrnnSpec;
/** A layer of a model. Every size is within 1..131072, and names differ. */
export type LayerSpec =
  | EmbeddingSpec
  | RecurrentLayerSpec
  | LinearSpec
  | ActivationSpec
  | CombineSpec
  | ScaleSpec
  | NormSpec
  | ShuffleSpec
  | SliceSpec
  | ConvSpec
  | DelaySpec;

/**
 * Layers, each of which reads the one before it unless it says what it reads: one before it, or, of a delay, any. Plain
 * data; survives JSON.
 */
export interface ModelSpec {
  /**
   * 1..1000, from the input, which the first one reads, to the output, which is the last one's; each one's inputSize is the
   * width of what it reads
   */
  layers: LayerSpec[];
}

const recurrentKinds: readonly string[] = ['lstm', 'gru', 'elman', 'slstm', 'lnlstm', 'lngru', 'sru', 'qrnn'];

export function isRecurrent(layer: LayerSpec): layer is RecurrentLayerSpec {
  return recurrentKinds.includes(layer.kind);
}

/** N of a recurrent layer. */
export function blocksOf(layer: RecurrentLayerSpec): number {
  // What has no recurrent matrix recurs unit by unit.
  if (layer.kind === 'sru' || layer.kind === 'qrnn') return layer.hiddenSize;
  const sizes = blockSizesOf(layer);
  return sizes?.length ?? layer.blocks ?? 1;
}

/** The sizes of a recurrent layer's blocks where they differ. */
export function blockSizesOf(layer: RecurrentLayerSpec): readonly number[] | undefined {
  return 'blockSizes' in layer ? layer.blockSizes : undefined;
}

/** How many features a recurrent layer gives in each direction. */
export function outputsOf(layer: RecurrentLayerSpec): number {
  return layer.kind === 'lstm' ? (layer.projectionSize ?? layer.hiddenSize) : layer.hiddenSize;
}

/** The directions in which a recurrent layer goes, in the order in which it stands in state and output. */
export function directionsOf({ direction = 'forward' }: RecurrentLayerSpec): ('forward' | 'reverse')[] {
  return direction === 'bidirectional' ? ['forward', 'reverse'] : [direction];
}

/** Whether a layer goes through time backward, alone or too. */
export function isReversing(layer: LayerSpec): boolean {
  return isRecurrent(layer) && (layer.direction ?? 'forward') !== 'forward';
}

/** The strips of a layer's recurrent weights; undefined where it has none. */
export function stripsOf(layer: RecurrentLayerSpec): StripsSpec | undefined {
  return 'strips' in layer ? layer.strips : undefined;
}
