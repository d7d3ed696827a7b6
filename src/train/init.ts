import { UnsupportedError } from '../base/errors.js';
import { number } from '../base/guards.js';
import { namedRandom } from '../base/random.js';
import { blockRunsOf, depthOf } from '../model/blocks.js';
import {
  blockSizesOf,
  isRecurrent,
  type LayerSpec,
  type ModelSpec,
  type RecurrentLayerSpec,
  stripsOf,
} from '../model/spec.js';
import { layerTensors, type Tensors } from '../model/tensors.js';

/** How first weights are drawn, where it is not as PyTorch draws them. */
export interface InitOptions {
  /**
   * What the forget gates of every LSTM start with: its part of bias_ih becomes this, that of bias_hh 0; of one with layer
   * normalisation its part of the bias. A value about 1 keeps the cell's memory open at the start (Gers, Schmidhuber, Cummins 2000; Jozefowicz, Zaremba, Sutskever 2015).
   */
  forgetBias?: number;
  /** Embeddings are uniform within ± this instead of normal. */
  embeddingRange?: number;
}

/**
 * Weights to start training from, as PyTorch's modules start: each uniform within ± a bound, an embedding's normal with
 * mean 0 and deviation 1.
 *
 *   tensors of a recurrent layer   1 / √H, but
 *   weight_hh                      1 / √D: a unit of a block reads D states, not H; with N = 1 it is PyTorch's 1 / √H;
 *                                  where blocks differ in size, D is its own block's
 *   linear weight, bias            1 / √(I/N): an output of a block reads so many inputs
 *   conv weight, bias              1 / √width
 *
 * The weights of a norm and of a scale begin as 1, their biases as 0; so do gains and biases of recurrent layers with layer
 * normalisation, as haste has them. The order of a shuffle is drawn, each as likely as every other; training leaves it as
 * it is.
 *
 * Each tensor's numbers come from the seed and its name alone, so that another layer changes none of them. Math.log and
 * Math.cos, which a normal embedding needs, are the engine's own: its bytes are promised within one engine.
 * @param spec a correct one: it is not checked here, but by createTrainer and createModel
 * @param seed any integer; its low 32 bits count
 * @throws TypeError or RangeError when an option is not a finite number, or the range is negative; UnsupportedError for a
 *   layer of strips, which are what is left of other weights
 */
export function initTensors(spec: ModelSpec, seed: number, options: InitOptions = {}): Tensors {
  const { forgetBias, embeddingRange } = options;
  if (forgetBias !== undefined) number(forgetBias, 'forgetBias');
  if (embeddingRange !== undefined) number(embeddingRange, 'embeddingRange', 0);
  const tensors: Tensors = {};
  for (const layer of spec.layers) {
    if (isRecurrent(layer) && stripsOf(layer) !== undefined)
      throw new UnsupportedError(
        `layer ${layer.name}: where strips lie is not drawn; give tensors to start from, such as sparsify makes of a dense model.`,
        'init strips',
      );
    for (const [name, shape] of Object.entries(layerTensors(layer))) {
      const count = shape.reduce((product, size) => product * size, 1);
      const first = constantOf(layer, name.slice(layer.name.length + 1));
      if (first !== undefined) {
        tensors[name] = { shape, data: new Float32Array(count).fill(first) };
        continue;
      }
      const random = namedRandom(seed, name);
      if (layer.kind === 'shuffle') {
        tensors[name] = { shape, data: drawOrder(random, count) };
        continue;
      }
      if (isRecurrent(layer) && name === `${layer.name}.weight_hh` && blockSizesOf(layer) !== undefined) {
        tensors[name] = { shape, data: drawRagged(random, layer, shape as [number, number]) };
        continue;
      }
      const bound = boundOf(layer, name, embeddingRange);
      const next = bound === undefined ? normal(random) : () => (2 * random() - 1) * bound;
      const data = new Float32Array(count);
      for (let i = 0; i < data.length; i++) data[i] = next();
      tensors[name] = { shape, data };
    }
    if (forgetBias === undefined || (layer.kind !== 'lstm' && layer.kind !== 'lnlstm')) continue;
    const { kind, name, hiddenSize } = layer;
    const forget = kind === 'lstm' ? { bias_ih: forgetBias, bias_hh: 0 } : { bias: forgetBias };
    for (const [end, value] of Object.entries(forget))
      tensors[`${name}.${end}`]!.data.fill(value, hiddenSize, 2 * hiddenSize);
  }
  return tensors;
}

/** Of a tensor that is not drawn what it is filled with: one that stands in a normalisation, or scales. */
function constantOf({ kind }: LayerSpec, tensor: string): number | undefined {
  if (kind === 'norm' || kind === 'scale') return tensor === 'weight' ? 1 : 0;
  if (kind !== 'lnlstm' && kind !== 'lngru') return undefined;
  if (tensor.startsWith('gain')) return 1;
  return tensor.startsWith('bias') ? 0 : undefined;
}

/** Recurrent weights of blocks that differ in size; what stands behind a block's states is 0. */
function drawRagged(
  random: () => number,
  layer: RecurrentLayerSpec,
  [rows, depth]: [number, number],
): Float32Array {
  const data = new Float32Array(rows * depth);
  const sizes = blockRunsOf(layer).flatMap(({ count, units }) =>
    new Array<number>(count * units).fill(units),
  );
  for (let row = 0; row < rows; row++) {
    const size = sizes[row % layer.hiddenSize]!;
    for (let k = 0; k < size; k++) data[row * depth + k] = (2 * random() - 1) / Math.sqrt(size);
  }
  return data;
}

/** Whole numbers below a count, each once: Fisher and Yates' shuffle in Durstenfeld's form (1964). */
function drawOrder(random: () => number, count: number): Float32Array {
  const order = Float32Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k--) {
    const other = Math.floor(random() * (k + 1));
    [order[k], order[other]] = [order[other]!, order[k]!];
  }
  return order;
}

/** Of a uniform tensor its bound; undefined for a normal one. */
function boundOf(layer: LayerSpec, tensor: string, embeddingRange: number | undefined): number | undefined {
  if (isRecurrent(layer)) {
    const { name, hiddenSize } = layer;
    const states = tensor === `${name}.weight_hh` ? depthOf(layer) : hiddenSize;
    return 1 / Math.sqrt(states);
  }
  if (layer.kind === 'conv') return 1 / Math.sqrt(layer.width);
  return layer.kind === 'linear' ? 1 / Math.sqrt(layer.inputSize / (layer.blocks ?? 1)) : embeddingRange;
}

/** Normal numbers out of uniform ones in [0, 1): Box and Muller 1958, of whose two the second is left. */
function normal(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
