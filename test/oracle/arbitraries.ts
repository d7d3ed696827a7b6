import fc from 'fast-check';
import { type Func, type FunctionName, functions } from '#dist/model/functions.js';
import type { CommonLayerSpec, LayerSpec, LstmSpec, ModelSpec } from '#dist/model/spec.js';

/** Sizes at which kernels change their way: one, the vector of 4 and the tile of 8 with their neighbours, 16. */
export const edgeSizes = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17] as const;

export type CellKind = 'lstm' | 'gruAfter' | 'gruBefore' | 'elmanTanh' | 'elmanRelu';
export const cellKinds: readonly CellKind[] = ['lstm', 'gruAfter', 'gruBefore', 'elmanTanh', 'elmanRelu'];

/** A run's measures: T, B, whether there is an initial state, lengths (null for none), and a seed for the numbers. */
export interface Scene {
  steps: number;
  batch: number;
  withState: boolean;
  lengths: Int32Array | null;
  seed: number;
}

/** N, D and with them H = N D: dense, diagonal and everything between, H at most `widest`. */
export function blockSizes(widest = 48): fc.Arbitrary<{ blocks: number; hiddenSize: number }> {
  return fc
    .oneof(
      fc.record({ blocks: fc.constant(1), units: fc.constantFrom(...edgeSizes) }),
      fc.record({ blocks: fc.constantFrom(...edgeSizes), units: fc.constant(1) }),
      fc.record({ blocks: fc.constantFrom(2, 3, 4, 5), units: fc.constantFrom(...edgeSizes) }),
    )
    .map(({ blocks, units }) => ({ blocks, hiddenSize: blocks * units }))
    .filter(({ hiddenSize }) => hiddenSize <= widest);
}

export function recurrentLayer(kind: CellKind, name = 'rnn'): fc.Arbitrary<CommonLayerSpec> {
  return fc
    .record({ inputSize: fc.constantFrom(...edgeSizes), sizes: blockSizes() })
    .map(({ inputSize, sizes }) => {
      const shared = { name, inputSize, ...sizes };
      if (kind === 'lstm') return { kind, ...shared };
      if (kind === 'gruAfter' || kind === 'gruBefore')
        return { kind: 'gru', ...shared, resetAfter: kind === 'gruAfter' };
      return { kind: 'elman', ...shared, activation: kind === 'elmanRelu' ? 'relu' : 'tanh' };
    });
}

/** A function with what it takes, drawn too; those that onnxruntime knows, or all. */
export function func(names: readonly FunctionName[]): fc.Arbitrary<Func> {
  const number = fc.integer({ min: -8, max: 8 }).map((v) => v / 8);
  return fc.constantFrom(...names).chain((name): fc.Arbitrary<Func> => {
    const takes = functions[name].length;
    if (takes === 0) return fc.constant(name);
    return fc
      .record({ alpha: number, beta: number })
      .map(({ alpha, beta }) => ({ function: name, alpha, ...(takes > 1 ? { beta } : {}) }));
  });
}

/** A recurrent layer that says what its kind's default does not: functions, a limit, peepholes, coupled gates. */
export function generalLayer(
  kind: CellKind,
  names: readonly FunctionName[],
  name = 'rnn',
): fc.Arbitrary<CommonLayerSpec> {
  const clip = fc.option(fc.constantFrom(0.05, 0.5, 1, 3), { nil: undefined });
  const funcs = (count: number) =>
    fc.option(fc.array(func(names), { minLength: count, maxLength: count }), { nil: undefined });
  return recurrentLayer(kind, name).chain((layer): fc.Arbitrary<CommonLayerSpec> => {
    switch (layer.kind) {
      case 'lstm':
        return fc
          .record({ clip, activations: funcs(3), coupled: fc.boolean(), peepholes: fc.boolean() })
          .map((said) => given({ ...layer, ...said }));
      case 'gru':
        return fc.record({ clip, activations: funcs(2) }).map((said) => given({ ...layer, ...said }));
      case 'elman':
        return fc.record({ clip, activation: func(names) }).map((said) => given({ ...layer, ...said }));
    }
  });
}

/** The same layer, perhaps with zoneout. */
export function zoned(layer: CommonLayerSpec): fc.Arbitrary<CommonLayerSpec> {
  const rate = fc.option(fc.constantFrom(0.1, 0.5, 1), { nil: undefined });
  return fc
    .record({ zoneout: rate, zoneoutCell: layer.kind === 'lstm' ? rate : fc.constant(undefined) })
    .map((said) => given({ ...layer, ...said }));
}

/** A layer without the fields that it leaves out. */
function given(layer: { [K in keyof CommonLayerSpec]: CommonLayerSpec[K] | undefined }): CommonLayerSpec {
  return JSON.parse(JSON.stringify(layer));
}

/** Layers that neither PyTorch's nor ONNX's recurrent layers are. */
export const familyKinds = ['slstm', 'lnlstm', 'lngru', 'projected', 'sru', 'qrnn', 'conv', 'delay'] as const;
export type FamilyKind = (typeof familyKinds)[number];

export function familyLayer(kind: FamilyKind, name = 'rnn'): fc.Arbitrary<LayerSpec> {
  const size = fc.constantFrom(...edgeSizes);
  const sizes = fc.record({ inputSize: size, hiddenSize: fc.constantFrom(...edgeSizes, 33) });
  switch (kind) {
    case 'slstm':
      return fc
        .record({ inputSize: size, sizes: blockSizes() })
        .map(({ inputSize, sizes }) => ({ kind, name, inputSize, ...sizes }));
    case 'projected':
      return fc
        .record({
          layer: generalLayer('lstm', ['tanh', 'sigmoid', 'softsign', 'hardSigmoid']).chain(zoned),
          sizes,
          part: fc.nat(),
        })
        .map(({ layer, sizes, part }) => {
          const hiddenSize = Math.max(2, sizes.hiddenSize);
          const projectionSize = 1 + (part % (hiddenSize - 1));
          return { ...(layer as LstmSpec), ...sizes, name, blocks: 1, hiddenSize, projectionSize };
        });
    case 'sru':
      return fc
        .record({ sizes, scale: fc.constantFrom(1, 1.5), isWide: fc.boolean() })
        .map(({ sizes, scale, isWide }) => {
          const inputSize = isWide ? sizes.inputSize : sizes.hiddenSize;
          return { kind, name, ...sizes, inputSize, ...(inputSize === sizes.hiddenSize ? { scale } : {}) };
        });
    case 'lnlstm':
    case 'lngru':
      return fc
        .record({ inputSize: size, sizes: blockSizes() })
        .map(({ inputSize, sizes }) => ({ kind, name, inputSize, ...sizes, epsilon: 0.01 }));
    case 'qrnn':
      return sizes.map((each) => ({ kind, name, ...each }));
    case 'conv':
      return fc
        .record({ size, width: fc.integer({ min: 2, max: 5 }), bias: fc.boolean() })
        .map((each) => ({ kind, name, ...each }));
    case 'delay':
      return fc
        .record({ size, steps: fc.integer({ min: 1, max: 4 }) })
        .map((each) => ({ kind, name, ...each }));
  }
}

/** A stack: perhaps an embedding, one to three recurrent layers, perhaps a linear layer, perhaps an activation. */
export function stack(): fc.Arbitrary<ModelSpec> {
  return fc
    .record({
      embedding: fc.boolean(),
      cells: fc.array(
        fc.constantFrom(...cellKinds).chain((kind) => recurrentLayer(kind)),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      linear: fc.option(fc.record({ outputSize: fc.constantFrom(...edgeSizes), bias: fc.boolean() })),
      activation: fc.option(fc.constantFrom('tanh', 'sigmoid', 'relu', 'softmax', 'logSoftmax')),
    })
    .map(({ embedding, cells, linear, activation }) => {
      const layers: LayerSpec[] = [];
      let width = cells[0]!.inputSize;
      if (embedding) layers.push({ kind: 'embedding', name: 'embedding', count: 11, size: width });
      for (const [k, cell] of cells.entries()) {
        layers.push({ ...cell, name: `rnn.${k}`, inputSize: width });
        width = cell.hiddenSize;
      }
      if (linear !== null) layers.push({ kind: 'linear', name: 'decoder', inputSize: width, ...linear });
      if (activation !== null) layers.push({ kind: 'activation', name: 'activation', activation });
      return { layers };
    });
}

/** T 1..6, B 1..5; lengths, where there are any, from `shortest` to T. */
export function scene(shortest = 0): fc.Arbitrary<Scene> {
  return fc
    .record({ steps: fc.integer({ min: 1, max: 6 }), batch: fc.integer({ min: 1, max: 5 }) })
    .chain((size) =>
      fc.record({
        steps: fc.constant(size.steps),
        batch: fc.constant(size.batch),
        withState: fc.boolean(),
        lengths: fc.option(
          fc
            .array(fc.integer({ min: shortest, max: size.steps }), {
              minLength: size.batch,
              maxLength: size.batch,
            })
            .map((lengths) => Int32Array.from(lengths)),
        ),
        seed: fc.integer(),
      }),
    );
}
