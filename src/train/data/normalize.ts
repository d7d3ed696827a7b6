import { UnsupportedError } from '../../base/errors.js';
import { isRecurrent, type LayerSpec, type ModelSpec } from '../../model/spec.js';
import type { Tensors } from '../../model/tensors.js';
import { sourcesOf } from '../../model/wiring.js';
import type { Sequence } from './sequences.js';

/** Mean and standard deviation of each feature, [I]. */
export interface Moments {
  mean: Float64Array;
  deviation: Float64Array;
}

/** Over all steps of all sequences; a feature that never changes has deviation 1, so that it becomes zero. */
export function momentsOf(sequences: readonly Sequence[], features: number): Moments {
  const mean = new Float64Array(features);
  const deviation = new Float64Array(features);
  let steps = 0;
  for (const { values } of sequences) {
    steps += values.length / features;
    for (let i = 0; i < values.length; i++) mean[i % features]! += values[i]!;
  }
  for (let i = 0; i < features; i++) mean[i]! /= steps;
  for (const { values } of sequences) {
    for (let i = 0; i < values.length; i++)
      deviation[i % features]! += (values[i]! - mean[i % features]!) ** 2;
  }
  for (let i = 0; i < features; i++) deviation[i] = Math.sqrt(deviation[i]! / steps) || 1;
  return { mean, deviation };
}

/** (x − mean) / deviation of every value. */
export function normalize(sequences: readonly Sequence[], { mean, deviation }: Moments): Sequence[] {
  const features = mean.length;
  return sequences.map(({ values, target }) => ({
    values: values.map((value, i) => (value - mean[i % features]!) / deviation[i % features]!),
    target,
  }));
}

/**
 * Makes a model of normalized numbers one of the numbers as they are, up to rounding: of its first layer,
 * W (x − m) / s + b = (W / s) x + (b − (W / s) m).
 * @param tensors left as they are
 * @throws as checkFoldable
 */
export function foldMoments(spec: ModelSpec, tensors: Tensors, { mean, deviation }: Moments): Tensors {
  const names = checkFoldable(spec);
  const features = mean.length;
  const weight = tensors[names.weight]!;
  const bias = tensors[names.bias]!;
  const weights = new Float32Array(weight.data.length);
  const biases = new Float32Array(bias.data.length);
  for (let row = 0; row < biases.length; row++) {
    let sum = bias.data[row]!;
    for (let i = 0; i < features; i++) {
      const scaled = weight.data[row * features + i]! / deviation[i]!;
      weights[row * features + i] = scaled;
      sum -= scaled * mean[i]!;
    }
    biases[row] = sum;
  }
  return {
    ...tensors,
    [names.weight]: { shape: weight.shape, data: weights },
    [names.bias]: { shape: bias.shape, data: biases },
  };
}

/** Of each recurrent kind whose every row has a bias, the end of its name. */
const biases: Partial<Record<LayerSpec['kind'], string>> = {
  ...{ lstm: 'bias_ih', gru: 'bias_ih', elman: 'bias_ih', slstm: 'bias', qrnn: 'bias' },
};

/**
 * The names of the weight and the bias of the first layer.
 * @throws UnsupportedError when it has no bias to take what is left over, or when others read the input too
 */
export function checkFoldable(spec: ModelSpec): { weight: string; bias: string } {
  const first = spec.layers[0]!;
  const [own, ...others] = sourcesOf(spec);
  const isAlone = own!.length === 1 && !others.flat().includes(-1);
  const bias = isRecurrent(first) && first.inputBlocks === undefined ? biases[first.kind] : undefined;
  if (isAlone && bias !== undefined)
    return { weight: `${first.name}.weight_ih`, bias: `${first.name}.${bias}` };
  if (isAlone && first.kind === 'linear' && first.blocks === undefined && first.bias !== false)
    return { weight: `${first.name}.weight`, bias: `${first.name}.bias` };
  throw new UnsupportedError(
    'normalize needs a first layer with weights and a bias, which alone reads the input; say "normalize": false, or give it one.',
    'normalize',
  );
}
