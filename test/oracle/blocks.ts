import fc from 'fast-check';
import { kindOf } from '#dist/model/kinds.js';
import type { LayerSpec, ModelSpec, RecurrentLayerSpec } from '#dist/model/spec.js';
import { layerOf } from '../session/draw.js';
import { cellKinds, edgeSizes } from './arbitraries.js';

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

/** A recurrent layer of any cell, in blocks of any number, whose units read any number of blocks of inputs. */
export function blockedRecurrent(
  inputSize: number,
  name: string,
  reverses: boolean,
): fc.Arbitrary<RecurrentLayerSpec> {
  const all = [...cellKinds, 'general', 'projected', 'slstm', 'lnlstm', 'sru', 'qrnn'] as const;
  return fc
    .record({
      kind: fc.constantFrom(...all),
      inputBlocks: fc.constantFrom(...divisorsOf(inputSize)),
      times: fc.constantFrom(1, 2, 3, 4, 5, 8, 9),
      part: fc.nat(),
      direction: fc.constantFrom('forward', 'reverse', 'bidirectional'),
    })
    .map(({ kind, inputBlocks, times, part, direction }): RecurrentLayerSpec => {
      const hiddenSize = inputBlocks * times;
      const divisors = divisorsOf(hiddenSize);
      const sizes = {
        ...{ name, inputSize, hiddenSize },
        ...(inputBlocks === 1 ? {} : { inputBlocks }),
        ...(reverses && direction !== 'forward' ? { direction } : {}),
      };
      const blocks = divisors[part % divisors.length]!;
      switch (kind) {
        case 'general':
          return { kind: 'lstm', ...sizes, blocks, peepholes: true, clip: 2 };
        case 'projected':
          if (hiddenSize === 1) return { kind: 'lstm', ...sizes };
          return { kind: 'lstm', ...sizes, projectionSize: Math.ceil(hiddenSize / 3) };
        case 'lnlstm':
          return { kind, ...sizes, epsilon: 0.01 };
        case 'slstm':
          return { kind, ...sizes, blocks };
        case 'sru':
        case 'qrnn':
          return { kind, ...sizes };
        default: {
          const { blocks: _blocks, ...layer } = layerOf(kind, name, inputSize, hiddenSize);
          return { ...layer, ...sizes, blocks } as RecurrentLayerSpec;
        }
      }
    });
}

/** One to three layers whose weights are in blocks that do not recur. */
export function blockedStack(reverses = false): fc.Arbitrary<ModelSpec> {
  const grow = (layers: LayerSpec[], width: number, count: number): fc.Arbitrary<ModelSpec> => {
    if (count === 0 || width > 80) return fc.constant({ layers });
    const name = `l${layers.length}`;
    return fc
      .oneof(blockedLinear(width, name), blockedRecurrent(width, name, reverses))
      .chain((layer) => grow([...layers, layer], kindOf(layer).gives(layer, width), count - 1));
  };
  return fc
    .record({ width: fc.constantFrom(...edgeSizes, 12, 24, 36), count: fc.integer({ min: 1, max: 3 }) })
    .chain(({ width, count }) => grow([], width, count));
}

export function divisorsOf(size: number): number[] {
  return Array.from({ length: size }, (_, k) => k + 1).filter((k) => size % k === 0);
}
