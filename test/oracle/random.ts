import type { StateName } from '#dist/model/cells.js';
import { kindOf } from '#dist/model/kinds.js';
import { directionsOf, isRecurrent, type LayerSpec, type ModelSpec } from '#dist/model/spec.js';
import { layerTensors, type Tensors } from '#dist/model/tensors.js';
import { inputWidth } from '#dist/model/wiring.js';

/** A source of numbers in [0, 1), such as seededRandom gives. */
export type Random = () => number;

/**
 * Weights as PyTorch starts them: uniform within 1/sqrt(H) for a recurrent layer, 1/sqrt(I) for a linear one.
 * An embedding's are uniform within 1.
 */
export function randomModel(random: Random, spec: ModelSpec): Tensors {
  const tensors: Tensors = {};
  for (const layer of spec.layers) {
    for (const [name, shape] of Object.entries(layerTensors(layer))) {
      const count = shape.reduce((product, size) => product * size, 1);
      if (layer.kind === 'shuffle') {
        tensors[name] = { shape, data: randomOrder(random, count) };
        continue;
      }
      tensors[name] = { shape, data: randomValues(random, count, scaleOf(layer)) };
    }
  }
  return tensors;
}

/** x [T, B, I] uniform within 1, or ids [T, B] when the model starts with an embedding. */
export function randomInput(
  random: Random,
  spec: ModelSpec,
  { steps, batch }: { steps: number; batch: number },
): Float32Array | Int32Array {
  const first = spec.layers[0]!;
  if (first.kind === 'embedding') {
    const counts = spec.layers.flatMap((layer) => (layer.kind === 'embedding' ? [layer.count] : []));
    const count = Math.min(...counts);
    return Int32Array.from({ length: steps * batch }, () => Math.floor(random() * count));
  }
  return randomValues(random, steps * batch * inputWidth(spec), 1);
}

/** A state for `run`: uniform within `scale`; the normaliser of an sLSTM is 1 at least, as a run leaves it. */
export function randomState(
  random: Random,
  spec: ModelSpec,
  batch: number,
  scale = 1,
): ({ h: Float32Array } & Partial<Record<StateName, Float32Array>>)[] {
  return spec.layers.flatMap((layer) => {
    const widths = kindOf(layer).states?.(layer);
    if (widths === undefined) return [];
    const ways = isRecurrent(layer) ? directionsOf(layer) : ['forward'];
    return ways.map(() => {
      const parts = Object.entries(widths).map(([name, width]) => {
        const values = randomValues(random, batch * width, scale);
        return [name, name === 'n' ? values.map((v) => 1 + Math.abs(v)) : values];
      });
      return Object.fromEntries(parts) as { h: Float32Array };
    });
  });
}

/** Values uniform within [-scale, scale). */
export function randomValues(random: Random, count: number, scale = 1): Float32Array {
  return Float32Array.from({ length: count }, () => (2 * random() - 1) * scale);
}

/** Whole numbers below a count, each once: Fisher and Yates. */
export function randomOrder(random: Random, count: number): Float32Array {
  const order = Float32Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k--) {
    const other = Math.floor(random() * (k + 1));
    [order[k], order[other]] = [order[other]!, order[k]!];
  }
  return order;
}

function scaleOf(layer: LayerSpec): number {
  if (isRecurrent(layer)) return 1 / Math.sqrt(layer.hiddenSize);
  return layer.kind === 'linear' ? 1 / Math.sqrt(layer.inputSize) : 1;
}
