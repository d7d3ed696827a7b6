import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import type { LayerSpec } from '#dist/model/spec.js';
import { loadModel } from '#dist/node.js';
import { type Attributes, GraphBuilder } from '../../onnx/builder.js';
import { evaluate } from '../../onnx/evaluate.js';
import { openOnnxNode } from '../../onnx/runtime.js';
import { randomValues } from '../../oracle/random.js';
import { findExcess } from '../../oracle/tolerance.js';

/** Builds graphs over x [T, B, 6] in few words; every weight is drawn. */
class Writer {
  readonly graph = new GraphBuilder();
  readonly #random = seededRandom(3);
  #count = 0;

  constructor() {
    this.graph.input('x', 'float32', ['T', 'B', 6]);
  }

  node(op: string, inputs: readonly string[], attributes: Attributes = {}, outputs = 1): string {
    const names = Array.from({ length: outputs }, (_, i) => `v${this.#count}${i === 0 ? '' : `.${i}`}`);
    this.#count++;
    return this.graph.node(op, inputs, names, attributes);
  }

  floats(...dims: number[]): string {
    const size = dims.reduce((a, b) => a * b, 1);
    return this.graph.constant(`c${this.#count++}`, dims, randomValues(this.#random, size, 0.9));
  }

  number(value: number): string {
    return this.graph.constant(`c${this.#count++}`, [], Float32Array.of(value));
  }

  integers(...values: number[]): string {
    return this.graph.constant(`c${this.#count++}`, [values.length], values);
  }

  linear(x: string, from: number, to: number): string {
    return this.node('MatMul', [x, this.floats(from, to)]);
  }

  /** [T, B, D·H] of a node whose Y is [T, D, B, H]. */
  recurrent(
    op: 'LSTM' | 'GRU' | 'RNN',
    x: string,
    from: number,
    H: number,
    attributes: Attributes = {},
  ): string {
    const D = attributes.direction === 'bidirectional' ? 2 : 1;
    const G = { LSTM: 4, GRU: 3, RNN: 1 }[op];
    const weights = [this.floats(D, G * H, from), this.floats(D, G * H, H), this.floats(D, 2 * G * H)];
    const y = this.node(op, [x, ...weights], { hidden_size: H, ...attributes });
    if (D === 1) return this.node('Squeeze', [y, this.integers(1)]);
    return this.node('Reshape', [
      this.node('Transpose', [y], { perm: [0, 2, 1, 3] }),
      this.integers(0, 0, -1),
    ]);
  }
}

type Kinds = (LayerSpec['kind'] | string)[];

/** A graph, the width of its output, and the layers that it is. */
const graphs: Record<string, [build: (w: Writer) => string, width: number, kinds: Kinds]> = {
  'a skip connection, and a layer that two read': [
    (w) => {
      const a = w.recurrent('LSTM', 'x', 6, 5);
      const b = w.recurrent('GRU', a, 5, 5, { linear_before_reset: 1 });
      const sum = w.node('Add', [a, b]);
      return w.node('Sub', [w.node('Mul', [sum, a]), b]);
    },
    5,
    ['lstm', 'gru', 'add', 'multiply', 'subtract'],
  ],
  'x beside a layer': [
    (w) =>
      w.linear(
        w.node('Concat', [w.recurrent('RNN', 'x', 6, 3), 'x', w.linear('x', 6, 2)], { axis: -1 }),
        11,
        4,
      ),
    4,
    ['elman', 'linear', 'linear'],
  ],
  'several side by side at the end': [
    (w) => w.node('Concat', [w.recurrent('LSTM', 'x', 6, 3), w.linear('x', 6, 2)], { axis: 2 }),
    5,
    ['lstm', 'linear', 'identity'],
  ],
  'parts of features': [
    (w) => {
      const a = w.linear('x', 6, 7);
      w.graph.node('Split', [a, w.integers(2, 5)], ['left', 'right'], { axis: 2 });
      const part = w.node('Slice', ['x', w.integers(-5), w.integers(100), w.integers(-1)]);
      return w.node('Add', [w.node('Mul', ['right', part]), w.recurrent('GRU', 'left', 2, 5)]);
    },
    5,
    ['linear', 'slice', 'slice', 'multiply', 'slice', 'gru', 'add'],
  ],
  'halves that meet again are whole': [
    (w) => {
      const a = w.linear('x', 6, 8);
      w.graph.node('Split', [a], ['left', 'right'], { axis: -1 });
      return w.linear(w.node('Concat', ['left', 'right'], { axis: -1 }), 8, 3);
    },
    3,
    ['linear', 'linear'],
  ],
  'x alone first': [
    (w) => w.node('Add', [w.node('Tanh', ['x']), w.node('Relu', ['x'])]),
    6,
    ['slice', 'tanh', 'relu', 'add'],
  ],
  'constants that are no biases': [
    (w) => {
      const scaled = w.node('Sub', [w.node('Mul', ['x', w.floats(6)]), w.floats(1, 1, 6)]);
      const turned = w.node('Sub', [w.floats(1, 6), w.node('Div', [scaled, w.number(3)])]);
      return w.node('Neg', [w.node('Add', [w.node('Mul', [w.number(1.5), turned]), w.number(0.25)])]);
    },
    6,
    ['scale', 'affine', 'scale', 'affine', 'affine'],
  ],
  'constants of constants': [
    (w) => w.node('Add', [w.linear('x', 6, 4), w.node('Mul', [w.floats(4), w.number(2)])]),
    4,
    ['linear'],
  ],
  'a norm as one operator': [
    (w) =>
      w.linear(
        w.node('LayerNormalization', ['x', w.floats(6), w.floats(6)], { epsilon: { float: 0.1 } }),
        6,
        3,
      ),
    3,
    ['norm', 'linear'],
  ],
  'a norm of what it is made of': [
    (w) => {
      const a = w.recurrent('LSTM', 'x', 6, 5);
      const centered = w.node('Sub', [a, w.node('ReduceMean', [a], { axes: [-1] })]);
      const square = w.node('Pow', [centered, w.number(2)]);
      const variance = w.node('Add', [w.node('ReduceMean', [square], { axes: [2] }), w.number(0.01)]);
      const normed = w.node('Div', [centered, w.node('Sqrt', [variance])]);
      return w.node('Add', [w.node('Mul', [normed, w.floats(5)]), w.floats(5)]);
    },
    5,
    ['lstm', 'norm'],
  ],
  'a norm by the root of squares, in two ways': [
    (w) => {
      const rms = (x: string, isPow: boolean) => {
        const mean = w.node('ReduceMean', [w.node('Mul', [x, x])], { axes: [-1] });
        const sum = w.node('Add', [w.number(0.01), mean]);
        const root = isPow
          ? w.node('Pow', [sum, w.number(-0.5)])
          : w.node('Div', [w.number(1), w.node('Sqrt', [sum])]);
        return w.node('Mul', [w.floats(6), w.node('Mul', [x, root])]);
      };
      return rms(rms('x', true), false);
    },
    6,
    ['norm', 'norm'],
  ],
  'norms of groups': [
    (w) => {
      const parts = w.node('Reshape', ['x', w.integers(0, 0, 3, 2)]);
      const normed = w.node('LayerNormalization', [parts, w.floats(2), w.floats(2)]);
      const scaled = w.node('Mul', [normed, w.floats(3, 1)]);
      return w.node('Reshape', [scaled, w.integers(0, 0, -1)]);
    },
    6,
    ['norm', 'scale'],
  ],
  'both directions, and the halves of one': [
    (w) => {
      const a = w.recurrent('LSTM', 'x', 6, 4, { direction: 'bidirectional' });
      const D = 2;
      const weights = [w.floats(D, 12, 8), w.floats(D, 12, 4)];
      const y = w.node('GRU', [a, ...weights], { hidden_size: 4, direction: 'bidirectional' });
      const first = w.node('Gather', [y, w.graph.constant('zero', [], [0])], { axis: 1 });
      const second = w.node('Squeeze', [
        w.node('Slice', [y, w.integers(1), w.integers(2), w.integers(1)]),
        w.integers(1),
      ]);
      return w.node('Add', [first, second]);
    },
    4,
    ['lstm', 'gru', 'slice', 'slice', 'add'],
  ],
  'both directions by themselves, side by side': [
    (w) => {
      const both = ['forward', 'reverse'].map((direction) => w.recurrent('GRU', 'x', 6, 3, { direction }));
      return w.linear(w.node('Concat', both, { axis: -1 }), 6, 2);
    },
    2,
    ['gru', 'gru', 'linear'],
  ],
  'blocks of which one is read by itself too': [
    (w) => {
      const parts = [0, 1].map(() => w.recurrent('GRU', 'x', 6, 3));
      return w.node('Concat', [w.linear(w.node('Concat', parts, { axis: -1 }), 6, 2), parts[0]!], {
        axis: -1,
      });
    },
    5,
    ['gru', 'gru', 'identity', 'linear', 'identity'],
  ],
  activations: [
    (w) => {
      const all: [string, Attributes][] = [
        ['LeakyRelu', {}],
        ['Elu', { alpha: { float: 0.5 } }],
        ['HardSigmoid', {}],
        ['Softsign', {}],
        ['Softplus', {}],
        ['ThresholdedRelu', { alpha: { float: 0.1 } }],
      ];
      const value = all.reduce((x, [op, attributes]) => w.node(op, [x], attributes), w.linear('x', 6, 4));
      const gated = w.node('Mul', [value, w.node('Sigmoid', [value])]);
      return w.node('PRelu', [w.node('Neg', [gated]), w.number(0.2)]);
    },
    4,
    [
      'linear',
      'leakyRelu',
      'elu',
      'hardSigmoid',
      'softsign',
      'softplus',
      'thresholdedRelu',
      'silu',
      'affine',
      'leakyRelu',
    ],
  ],
};

describe('a graph', () => {
  test.each(Object.entries(graphs))('%s', async (_, [build, width, kinds]) => {
    const w = new Writer();
    w.graph.output(w.graph.node('Identity', [build(w)], ['y']), 'float32', ['T', 'B', width]);
    const bytes = w.graph.build('graph');
    const { spec, tensors } = readOnnx(bytes).file;
    const found = spec.layers.map((layer) =>
      layer.kind === 'activation' ? layer.activation : layer.kind === 'combine' ? layer.combine : layer.kind,
    );
    expect(found.filter((kind) => kind !== 'sigmoid')).toEqual(kinds);
    const size = { steps: 4, batch: 3 };
    const x = randomValues(seededRandom(9), size.steps * size.batch * 6);
    const session = await openOnnxNode(bytes);
    const y = (await session.run({ x: new ort.Tensor('float32', x, [size.steps, size.batch, 6]) })).y!
      .data as Float32Array;
    await session.release();
    const { y: expected, bound } = evaluate(spec, tensors, x, size);
    expect(findExcess(y, expected, bound)).toBeNull();
    using model = await loadModel(bytes);
    expect(findExcess((await model.run(x, size)).y, expected, bound)).toBeNull();
  });
});
