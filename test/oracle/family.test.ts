import { expect, test } from 'vitest';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { layerTensors } from '#dist/model/tensors.js';
import { runOracle } from './model.js';
import { findExcess, UNIT_ROUNDOFF } from './tolerance.js';

/** Arguments like ln 3 are rounded to f32 before the oracle sees them: a few roundoffs of numbers about 1. */
const rounded = 16 * UNIT_ROUNDOFF;

function expectNear(actual: ArrayLike<number>, expected: readonly number[]): void {
  const bound = expected.map((v) => rounded * Math.max(1, Math.abs(v)));
  expect(findExcess(actual, expected, bound)).toBeNull();
}

/** Runs one layer whose tensors are named without their layer; those that are not given are zeros. */
function run(
  layer: LayerSpec,
  given: Record<string, number[]>,
  x: number[],
  state?: { h: number[]; c?: number[]; n?: number[]; m?: number[] },
) {
  const spec: ModelSpec = { layers: [layer] };
  const tensors = Object.fromEntries(
    Object.entries(layerTensors(layer)).map(([name, shape]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const values = given[name.slice(layer.name.length + 1)] ?? new Array<number>(count).fill(0);
      expect(values.length, name).toBe(count);
      return [name, { shape, data: Float32Array.from(values) }];
    }),
  );
  const width = 'inputSize' in layer ? layer.inputSize : 'size' in layer ? layer.size : 1;
  const steps = x.length / width;
  return runOracle(spec, tensors, x, { steps, batch: 1, ...(state ? { state: [state] } : {}) });
}

// sigmoid(ln 3) = 3/4, sigmoid(ln 4) = 4/5, tanh(ln 2) = 3/5
const { LN2 } = Math;
const ln3 = Math.log(3);
const ln4 = Math.log(4);
const sizes = { inputSize: 1, hiddenSize: 1 };

test('a general LSTM: a limit, functions, coupled gates and peepholes', () => {
  // i = clip(1 + 2 c) = 2, f = 1 - i, g = 3 limited to 2, c' = -0.75 + 4, o = softplus(c' - 3.25), h' = o c' / (1 + c')
  const layer: LayerSpec = {
    ...{ kind: 'lstm', name: 'a', ...sizes, clip: 2, coupled: true, peepholes: true },
    activations: ['relu', 'identity', 'softsign'],
  };
  const given = { bias_ih: [1, 9, 3, 1], weight_peephole: [2, 9, -1 / 3.25] };
  const { state } = run(layer, given, [0], { h: [0], c: [0.75] });
  expectNear(state[0]!.c!, [3.25]);
  expectNear(state[0]!.h, [0]);
  const { y } = run(layer, { ...given, weight_peephole: [2, 9, 0] }, [0], { h: [0], c: [0.75] });
  expectNear(y, [3.25 / 4.25]);
});

test('an LSTM that projects its output', () => {
  const layer: LayerSpec = { kind: 'lstm', name: 'a', inputSize: 1, hiddenSize: 2, projectionSize: 1 };
  // i = 3/4, g = 3/5 of both units; o = 4/5 of one and 1/2 of the other; W_hr (2, -1)
  const given = { bias_ih: [ln3, ln3, 0, 0, LN2, LN2, ln4, 0], weight_hr: [2, -1] };
  const first = 2 * 0.8 * Math.tanh(0.45) - 0.5 * Math.tanh(0.45);
  const { y, state } = run(layer, { ...given, weight_hh: [0, 0, 0, 0, 1, 0, 0, 0] }, [0, 0]);
  expectNear(y.subarray(0, 1), [first]);
  // What recurs is the projected output: the first unit's g reads it.
  const c = [0.225 + 0.75 * Math.tanh(LN2 + first), 0.225 + 0.45];
  expectNear(state[0]!.c!, c);
  expectNear(y.subarray(1), [1.6 * Math.tanh(c[0]!) - 0.5 * Math.tanh(c[1]!)]);
  expectNear(state[0]!.h, [...y.subarray(1)]);
});

test('zoneout, in the mean: h is made of the whole c', () => {
  const layer: LayerSpec = { kind: 'lstm', name: 'a', ...sizes, zoneout: 0.25, zoneoutCell: 0.5 };
  // i = f = o = 1/2 and g = 3/5: c~ = 0.5 + 0.3, c' = 0.5 + 0.4, h' = 1 + 0.75 tanh(c~) / 2
  const { state } = run(layer, { bias_ih: [0, 0, LN2, 0] }, [0], { h: [4], c: [1] });
  expectNear([...state[0]!.c!, ...state[0]!.h], [0.9, 1 + 0.375 * Math.tanh(0.8)]);
  const gru: LayerSpec = { kind: 'gru', name: 'a', ...sizes, zoneout: 0.25 };
  // z = 3/4, n = 3/5: h~ = 0.15 + 3
  expectNear(run(gru, { bias_ih: [0, ln3, LN2] }, [0], { h: [4] }).y, [1 + 0.75 * 3.15]);
});

test('an sLSTM', () => {
  const layer: LayerSpec = { kind: 'slstm', name: 'a', ...sizes };
  const given = { bias: [LN2, 0, LN2, ln3] };
  // From nothing: m = i, n = 1, c = tanh z
  const fresh = run(layer, given, [0]).state[0]!;
  expectNear([...fresh.h, ...fresh.c!, ...fresh.n!, ...fresh.m!], [0.45, 0.6, 1, LN2]);
  // l = 0 + ln 1/2, m' = ln 2: the old is worth e^(l - m') = 1/4 of what it was, the new one 1
  const next = run(layer, given, [0], { h: [0], c: [0.2], n: [2], m: [0] }).state[0]!;
  expectNear([...next.h, ...next.c!, ...next.n!, ...next.m!], [(0.75 * 0.65) / 1.5, 0.65, 1.5, LN2]);
  // l = 3 - ln 2 is the larger: the old is worth 1, the new one e^(ln 2 - l)
  const kept = run(layer, given, [0], { h: [0], c: [0.2], n: [2], m: [3] }).state[0]!;
  const small = Math.exp(2 * LN2 - 3);
  expectNear([...kept.c!, ...kept.n!, ...kept.m!], [0.2 + small * 0.6, 2 + small, 3 - LN2]);
});

test('an SRU', () => {
  const given = { weight_ih: [6, 0, 0], weight_c: [ln3, -ln3], bias: [0, 0] };
  // w = 3, f = 3/4, r = 1/4, x' = 2 · 0.5
  const narrow = run({ kind: 'sru', name: 'a', ...sizes, scale: 2 }, given, [0.5], { h: [9], c: [1] });
  expectNear([...narrow.y, ...narrow.state[0]!.c!], [0.25 * 1.5 + 0.75, 1.5]);
  // x' = 4 · 0.25 + 8 · 0.5, w = 3
  const wide = { ...given, weight_ih: [4, 4, 0, 0, 0, 0, 4, 8] };
  const other = run({ kind: 'sru', name: 'a', inputSize: 2, hiddenSize: 1 }, wide, [0.25, 0.5], {
    h: [0],
    c: [1],
  });
  expectNear([...other.y, ...other.state[0]!.c!], [0.25 * 1.5 + 0.75 * 5, 1.5]);
});

test('an IndRNN: an Elman cell with relu and as many blocks as units', () => {
  const layer: LayerSpec = {
    kind: 'elman',
    name: 'a',
    inputSize: 1,
    hiddenSize: 3,
    blocks: 3,
    activation: 'relu',
  };
  const given = { weight_ih: [1, 2, -1], weight_hh: [0.5, 2, -1], bias_ih: [0.25, 0, 0] };
  const { y } = run(layer, given, [1, 2], { h: [2, 1, -4] });
  expectNear(y, [2.25, 4, 3, 3.375, 12, 0]);
});

test('an LSTM with layer normalisation', () => {
  const layer: LayerSpec = { kind: 'lnlstm', name: 'a', ...sizes, epsilon: 1e-12 };
  // W x is (1, -1, 1, -1) and W h twice (1, 1, -1, -1): both are their own normal form, up to a factor
  const given = {
    ...{
      weight_ih: [1, -1, 1, -1],
      weight_hh: [1, 1, -1, -1],
      gain_ih: [ln3, 0, LN2, 0],
      gain_hh: [0, ln3, 0, 0],
    },
    ...{ bias: [0, 0, 0, ln4], gain_c: [7], bias_c: [LN2] },
  };
  const { y, state } = run(layer, given, [1], { h: [2], c: [2] });
  // A cell of one unit is 0 once its mean is gone.
  expectNear([...state[0]!.c!, ...y], [0.75 * 2 + 0.75 * 0.6, 0.8 * 0.6]);
});

test('a GRU with layer normalisation', () => {
  const layer: LayerSpec = { kind: 'lngru', name: 'a', inputSize: 1, hiddenSize: 2, epsilon: 1e-12 };
  // W x and W h are (1, 1, -1, -1, 1, -1), up to a factor: their own normal form. Rows r z n, of two units each.
  const signs = [1, 1, -1, -1, 1, -1];
  const given = {
    weight_ih: signs,
    weight_hh: signs.flatMap((sign) => [2 * sign, 0]),
    // r = sigmoid(ln 3) of both; z = sigmoid(ln 4 - ln 4), sigmoid(ln 4)
    gain_ih: [ln3, 0, -ln4, 0, LN2, -LN2],
    gain_hh: [0, 0, 0, 0, 4, 4],
    bias_ih: [0, ln3, -ln4, ln4, 0, 0],
    bias_hh: [0, 0, 0, 0, -4, 4],
  };
  const { y } = run(layer, given, [1], { h: [0.5, -1] });
  // What the reset gate multiplies, with its bias, is 0.
  expectNear(y, [0.5 * 0.6 + 0.5 * 0.5, 0.2 * 0.6 - 0.8]);
});

test('blocks of normalised layers meet in the mean alone', () => {
  const layer: LayerSpec = {
    kind: 'lnlstm',
    name: 'a',
    inputSize: 1,
    hiddenSize: 2,
    blocks: 2,
    epsilon: 1e-12,
  };
  const given = {
    weight_hh: [1, -2, -1, 2, 1, -2, -1, 2],
    gain_hh: [0, 0, 0, 0, 0, 0, ln4, -ln4],
    gain_c: [1, 1],
    bias: [0, 0, 0, 0, LN2, LN2, 0, 0],
  };
  const { y, state } = run(layer, given, [0], { h: [1, 0.5], c: [0.8, 0] });
  // W h is (1, -1, -1, 1, 1, -1, -1, 1), each row of its own unit. o = sigmoid(-ln 4) of both; n(c) is (1, -1).
  expectNear([...state[0]!.c!], [0.7, 0.3]);
  expectNear(y, [0.2 * Math.tanh(1), 0.2 * Math.tanh(-1)]);
});

test('a QRNN', () => {
  const given = { weight_ih: [LN2, 0, 0], bias: [0, ln3, ln4] };
  const { y, state } = run({ kind: 'qrnn', name: 'a', ...sizes }, given, [1], { h: [9], c: [1] });
  expectNear([...y, ...state[0]!.c!], [0.8 * 0.9, 0.9]);
});

test('a convolution and a delay', () => {
  const conv: LayerSpec = { kind: 'conv', name: 'a', size: 1, width: 3 };
  const given = { weight: [1, 10, 100], bias: [0.5] };
  const first = run(conv, given, [1, 2, 3, 4]);
  expectNear(first.y, [100.5, 210.5, 321.5, 432.5]);
  expectNear(first.state[0]!.h, [3, 4]);
  expectNear(run(conv, given, [5], { h: [3, 4] }).y, [543.5]);
  const delay: LayerSpec = { kind: 'delay', name: 'a', size: 2, steps: 2 };
  const late = run(delay, {}, [1, 2, 3, 4, 5, 6], { h: [7, 8, 9, 10] });
  expectNear(late.y, [7, 8, 9, 10, 1, 2]);
  expectNear(late.state[0]!.h, [3, 4, 5, 6]);
});
