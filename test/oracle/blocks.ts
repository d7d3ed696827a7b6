import fc from 'fast-check';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { edgeSizes } from './arbitraries.js';

/** A linear layer in N blocks of odd sizes: one, diagonal, narrower and wider than a vector and a panel. */
function blockedLinear(inputSize: number, name: string): fc.Arbitrary<LayerSpec> {
  return fc
    .record({
      blocks: fc.constantFrom(...divisorsOf(inputSize)),
      units: fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 20),
      bias: fc.boolean(),
    })
    .map(({ blocks, units, bias }) => ({
      ...{ kind: 'linear', name, inputSize, outputSize: blocks * units, bias },
      ...(blocks === 1 ? {} : { blocks }),
    }));
}

/** One to three layers whose weights are in blocks that do not recur. */
export function blockedStack(): fc.Arbitrary<ModelSpec> {
  const grow = (layers: LayerSpec[], width: number, count: number): fc.Arbitrary<ModelSpec> => {
    if (count === 0 || width > 200) return fc.constant({ layers });
    return blockedLinear(width, `l${layers.length}`).chain((layer) =>
      grow([...layers, layer], layer.kind === 'linear' ? layer.outputSize : width, count - 1),
    );
  };
  return fc
    .record({ width: fc.constantFrom(...edgeSizes, 12, 24, 36), count: fc.integer({ min: 1, max: 3 }) })
    .chain(({ width, count }) => grow([], width, count));
}

export function divisorsOf(size: number): number[] {
  return Array.from({ length: size }, (_, k) => k + 1).filter((k) => size % k === 0);
}
