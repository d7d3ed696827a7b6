import type { ConvSpec, DelaySpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { affine, type Bounded } from './bounded.js';

/** Sums over the last steps of one stream, or what came in some steps ago; `past` is the oldest first. */
export function stepPast(
  layer: ConvSpec | DelaySpec,
  tensors: Tensors,
  past: readonly Bounded[],
  x: Bounded,
): { y: Bounded; past: Bounded[] } {
  const seen = [...past, x];
  if (layer.kind === 'delay') return { y: seen[0]!, past: seen.slice(1) };
  const { name, size, width } = layer;
  const weights = tensors[`${name}.weight`]!.data;
  const bias = tensors[`${name}.bias`]?.data ?? new Float32Array(size);
  // A feature is a dot product of its own steps.
  const sums = Array.from({ length: size }, (_, i) => {
    const vector: Bounded = {
      value: Float64Array.from(seen, (step) => step.value[i]!),
      error: Float64Array.from(seen, (step) => step.error[i]!),
      norm: Math.hypot(...seen.map((step) => step.error[i]!)),
    };
    const matrix = { weights: weights.subarray(i * width, (i + 1) * width), height: 1, width };
    return affine([{ matrix, vector }], [[bias[i]!]]);
  });
  const error = Float64Array.from(sums, (sum) => sum.error[0]!);
  const y = { value: Float64Array.from(sums, (sum) => sum.value[0]!), error, norm: Math.hypot(...error) };
  return { y, past: seen.slice(1) };
}
