import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeOnnx } from '#dist/formats/onnx/write.js';
import { checkSpec } from '#dist/model/check.js';
import type { LayerSpec } from '#dist/model/spec.js';
import { availableKernels, createModel, type KernelSet, type ModelSpec } from '#dist/node.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import { openShare } from '#dist/worklet.js';
import { type Scene, scene } from '../oracle/arbitraries.js';
import { graph } from '../oracle/graphs.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import {
  draw,
  errorFrom,
  expectSameBytes,
  expectSameRun,
  expectSameState,
  layerOf,
  sceneOf,
} from './draw.js';

/** Graphs of which at least one layer runs step by step. */
const looping = graph(false, 3).filter((spec) => loopsOf(spec) > 0);

function loopsOf(spec: ModelSpec): number {
  return planProgram(checkSpec(spec), 1, planGraph).stages.reduce((sum, { loops }) => sum + loops.length, 0);
}

async function compare(spec: ModelSpec, given: Scene, kernels: KernelSet): Promise<void> {
  const { tensors, x, options } = draw(spec, given);
  const expected = runOracle(spec, tensors, x, options);
  fc.pre(expected.bound.every(Number.isFinite));
  fc.pre(expected.stateBound.every(({ h }) => h.every(Number.isFinite)));
  // A product that feeds itself grows out of the range of floats, which bounds do not know: another graph.
  const within = (values: Float64Array, most: number) => values.every((value) => Math.abs(value) < most);
  fc.pre(within(expected.y, 1e30) && expected.state.every(({ h }) => within(h, 1e9)));
  using model = await createModel(spec, tensors, { kernels });
  const { y, state } = await model.run(x, options);
  expect(findExcess(y, expected.y, expected.bound)).toBeNull();
  expect(state.length).toBe(expected.state.length);
  for (const [k, { h, c }] of expected.state.entries()) {
    expect(findExcess(state[k]!.h, h, expected.stateBound[k]!.h)).toBeNull();
    if (c) expect(findExcess(state[k]!.c!, c, expected.stateBound[k]!.c!)).toBeNull();
  }
}

describe.each(availableKernels())('%s', (kernels) => {
  test('a graph that feeds back lies within the bound of the oracle', async () => {
    await fc.assert(
      fc.asyncProperty(looping, scene(), (spec, given) => compare(spec, given, kernels)),
      { numRuns: 200 },
    );
  });

  test('a run equals its steps', async () => {
    await fc.assert(
      fc.asyncProperty(looping, scene(), async (spec, given) => {
        const { tensors, x, options } = draw(spec, { ...given, lengths: null });
        using model = await createModel(spec, tensors, { kernels });
        const whole = await model.run(x, options);
        const session = model.session(options);
        const [size, width] = [x.length / options.steps, whole.y.length / options.steps];
        for (let t = 0; t < options.steps; t++) {
          const y = session.step(x.slice(t * size, (t + 1) * size));
          expectSameBytes(y, whole.y.subarray(t * width, (t + 1) * width), `y of step ${t}: `);
        }
        expectSameState(session.snapshot(), whole.state);
      }),
      { numRuns: 150 },
    );
  });

  test('several threads give the bytes of one', async () => {
    await fc.assert(
      fc.asyncProperty(looping, scene(), fc.integer({ min: 2, max: 3 }), async (spec, given, threads) => {
        const { tensors, x, options } = draw(spec, given);
        using solo = await createModel(spec, tensors, { kernels });
        using crew = await createModel(spec, tensors, { kernels, threads });
        expectSameRun(await crew.run(x, options), await solo.run(x, options));
      }),
      { numRuns: 15 },
    );
  });
});

const x: LayerSpec = { kind: 'slice', name: 'x', inputSize: 3, from: 0, to: 3 };
const delayOf = (inputs: string[], steps = 1): LayerSpec => ({
  ...{ kind: 'delay', name: 'before', size: 5, steps, inputs },
});
const linear = (name: string, inputSize: number, outputSize: number, ...inputs: string[]): LayerSpec => ({
  ...{ kind: 'linear', name, inputSize, outputSize, inputs },
});
const tanh = (name: string, input: string): LayerSpec => ({
  ...{ kind: 'activation', name, activation: 'tanh', inputs: [input] },
});
/** An Elman layer out of its parts. */
const elman: ModelSpec = { layers: [x, delayOf(['h']), linear('a', 8, 5, 'x', 'before'), tanh('h', 'a')] };

test('a linear layer, tanh and a delay are an Elman layer', async () => {
  const whole: ModelSpec = { layers: [{ kind: 'elman', name: 'rnn', inputSize: 3, hiddenSize: 5 }] };
  const { tensors, x } = draw(whole, sceneOf({ steps: 40, batch: 2 }));
  const bias = tensors['rnn.bias_ih']!.data.map((value, i) => value + tensors['rnn.bias_hh']!.data[i]!);
  const weight = Float32Array.from({ length: 5 * 8 }, (_, k) => {
    const [row, column] = [Math.floor(k / 8), k % 8];
    const [from, width, at] = column < 3 ? ['ih', 3, column] : ['hh', 5, column - 3];
    return tensors[`rnn.weight_${from}`]!.data[row * (width as number) + (at as number)]!;
  });
  using parts = await createModel(elman, {
    'a.weight': { shape: [5, 8], data: weight },
    'a.bias': { shape: [5], data: bias },
  });
  using model = await createModel(whole, tensors);
  const expected = await model.run(x, { batch: 2 });
  const found = await parts.run(x, { batch: 2 });
  // A contraction: what rounding makes of one step does not grow.
  for (const [k, value] of found.y.entries()) expect(value).toBeCloseTo(expected.y[k]!, 5);
  expect(found.state).toEqual([{ h: found.y.slice(-10) }]);
});

/**
 * Two loops, one with a loop in it, layers before, between and behind them, recurrent layers in both, blocks that fall to
 * several workers, joins that are read in a loop and after it, delays of one step and of three, a delay of a view.
 */
const rich: ModelSpec = {
  layers: [
    layerOf('gruAfter', 'first', 3, 24, 4),
    { kind: 'delay', name: 'd', size: 12, steps: 3, inputs: ['cut'] },
    { kind: 'delay', name: 'e', size: 20, inputs: ['b'] },
    { ...layerOf('lstm', 'a', 36, 21, 1), inputs: ['first', 'd'] },
    { ...layerOf('gruBefore', 'b', 41, 20, 5), inputs: ['a', 'e'] },
    { ...layerOf('elmanTanh', 'c', 45, 45, 45), inputs: ['a', 'first'] },
    { kind: 'norm', name: 'n', size: 66, epsilon: 0.01, inputs: ['c', 'a'] },
    { kind: 'slice', name: 'cut', inputSize: 66, from: 37, to: 49 },
    linear('between', 86, 17, 'n', 'b'),
    { kind: 'delay', name: 'f', size: 33, inputs: ['g', 'between'] },
    { ...layerOf('lstm', 'lone', 17, 18, 2), inputs: ['between'] },
    linear('g', 50, 16, 'f', 'between'),
    tanh('h', 'g'),
    { kind: 'combine', name: 'sum', combine: 'add', inputs: ['h', 'g'] },
    linear('last', 34, 9, 'sum', 'lone'),
  ],
};

describe.each(availableKernels())('what a run is made of, %s', (kernels) => {
  const [steps, batch] = [150, 70];
  const lengths = Int32Array.from({ length: batch }, (_, b) =>
    b === 3 ? 0 : b === 4 ? steps : 1 + ((b * 37) % steps),
  );

  test('several pieces, streams in two slices, lengths: any number of threads gives the same bytes', async () => {
    const { tensors, x, options } = draw(rich, sceneOf({ steps, batch, withState: true, lengths }));
    using solo = await createModel(rich, tensors, { kernels });
    const expected = await solo.run(x, options);
    for (const threads of [2, 3]) {
      using crew = await createModel(rich, tensors, { kernels, threads });
      expectSameRun(await crew.run(x, options), expected);
    }
    using auto = await createModel(rich, tensors, { kernels, threads: 'auto' });
    for (let i = 0; i < 8; i++) expectSameRun(await auto.run(x, options), expected);
    // One stream by itself, as long as it is.
    const alone = (stream: number) => {
      const state = options.state!.map((record) => {
        const parts = Object.entries(record).map(([name, values]) => {
          const width = values.length / batch;
          return [name, values.slice(stream * width, (stream + 1) * width)];
        });
        return Object.fromEntries(parts) as { h: Float32Array };
      });
      const rows = (x as Float32Array).filter((_, i) => Math.floor(i / 3) % batch === stream);
      return solo.run(rows.slice(0, lengths[stream]! * 3), { state });
    };
    for (const stream of [0, 5, 69]) {
      const { y, state } = await alone(stream);
      const own = expected.y.filter((_, i) => Math.floor(i / 9) % batch === stream);
      expectSameBytes(own.slice(0, y.length), y);
      expect(own.slice(y.length).every((value) => value === 0)).toBe(true);
      for (const [k, { h }] of state.entries()) {
        const whole = expected.state[k]!.h;
        expectSameBytes(whole.slice(stream * h.length, (stream + 1) * h.length), h);
      }
    }
  });

  test('a run in two halves, steps, a snapshot that is restored and a share give the same bytes', async () => {
    const { tensors, x } = draw(rich, sceneOf({ steps: 20 }));
    using model = await createModel(rich, tensors, { kernels });
    const whole = await model.run(x);
    const first = await model.run(x.slice(0, 33));
    const second = await model.run(x.slice(33), { state: first.state });
    expectSameBytes(Float32Array.from([...first.y, ...second.y]), whole.y);
    expectSameState(second.state, whole.state);
    const session = model.session();
    const stepAll = (from: { step(x: Float32Array): Float32Array }, begin: number, end: number) => {
      for (let t = begin; t < end; t++) {
        const y = from.step(x.slice(t * 3, t * 3 + 3) as Float32Array);
        expectSameBytes(y, whole.y.subarray(t * 9, t * 9 + 9), `y of step ${t}: `);
      }
    };
    stepAll(session, 0, 11);
    expectSameState(session.snapshot(), first.state);
    stepAll(session, 11, 20);
    session.restore(first.state);
    stepAll(session, 11, 20);
    session.reset();
    stepAll(session, 0, 20);
    stepAll(openShare(await model.share()).session(), 0, 20);
  });
});

describe('what is planned', () => {
  const stageOf = (spec: ModelSpec) => planProgram(checkSpec(spec), 1, planGraph).stages[0]!;
  const namesOf = (spec: ModelSpec) => {
    const { ops, stages } = planProgram(checkSpec(spec), 1, planGraph);
    return stages[0]!.steps.map((step) => step.map((number) => `${ops[number]!.op} ${ops[number]!.name}`));
  };

  test('only what feeds back runs step by step', () => {
    const spec: ModelSpec = {
      layers: [
        x,
        delayOf(['h']),
        linear('before.loop', 3, 4, 'x'),
        linear('a', 9, 5, 'before.loop', 'before'),
        linear('aside', 8, 2, 'before', 'x'),
        tanh('h', 'a'),
        linear('after', 7, 2, 'h', 'aside'),
      ],
    };
    expect(namesOf(spec)).toEqual([
      ['linear before.loop'],
      ['copy before.loop'],
      ['recall before'],
      ['linear a'],
      ['activation h'],
      ['keep before'],
      ['copy before'],
      ['linear aside'],
      ['copy h'],
      ['linear after'],
    ]);
    expect(stageOf(spec).loops).toEqual([{ from: 2, to: 6 }]);
  });

  test('a later layer that does not come back is no loop', () => {
    const spec: ModelSpec = { layers: [x, delayOf(['a']), linear('a', 3, 5, 'x'), tanh('h', 'before')] };
    spec.layers.push({ kind: 'combine', name: 'sum', combine: 'add', inputs: ['a', 'h'] });
    expect(stageOf(spec).loops).toEqual([]);
    expect(namesOf(spec).flat()).toEqual(['linear a', 'delay before', 'activation h', 'combine sum']);
  });

  test('in a loop linear layers run side by side, and what shares out rows one behind the other', () => {
    const spec: ModelSpec = {
      layers: [
        x,
        delayOf(['h']),
        linear('a', 5, 5, 'before'),
        linear('b', 8, 5, 'x', 'before'),
        tanh('c', 'a'),
        tanh('d', 'b'),
        { kind: 'combine', name: 'h', combine: 'add', inputs: ['c', 'd'] },
      ],
    };
    expect(namesOf(spec)).toEqual([
      ['recall before'],
      ['linear a', 'linear b'],
      ['activation c', 'activation d', 'combine h'],
      ['keep before'],
    ]);
  });

  test('rows that a loop has to itself are those of one step', () => {
    const { ops } = planProgram(checkSpec(elman), 1, planGraph);
    const places = ops.flatMap((op) => [
      ...('x' in op ? [`${op.name} reads ${op.x.still ? 'one' : 'all'}`] : []),
      ...('y' in op ? [`${op.name} gives ${op.y.still ? 'one' : 'all'}`] : []),
    ]);
    // What is joined with x has come in for all steps, and the model gives h.
    expect(places).toEqual([
      'before gives all',
      'a reads all',
      'a gives one',
      'h reads one',
      'h gives all',
      'before reads all',
    ]);
  });
});

test.each<[string, LayerSpec[], RegExp]>([
  ['a layer that is no delay', [x, linear('a', 3, 3, 'h'), tanh('h', 'a')], /"h" is not, and only a delay/],
  ['itself, by a layer that is no delay', [x, linear('a', 3, 3, 'a')], /"a" is not, and only a delay/],
  ['a name that is none', [x, delayOf(['g']), linear('a', 8, 5, 'x', 'before')], /"g" is none/],
  [
    'another width',
    [x, delayOf(['a']), linear('a', 8, 4, 'x', 'before')],
    /size is 5, but its inputs give 4/,
  ],
  [
    'the sum of other widths',
    [x, delayOf(['a', 'a']), linear('a', 8, 5, 'x', 'before')],
    /size is 5, but its inputs give 10/,
  ],
  [
    'nothing else at first',
    [delayOf(['a']), linear('a', 8, 5, 'input', 'before')],
    /layer 0 \(before\) must read/,
  ],
  [
    'more than the input at first',
    [delayOf(['a', 'input']), tanh('a', 'before')],
    /a slice of all of it first/,
  ],
  [
    'only itself',
    [x, delayOf(['before']), tanh('h', 'x')],
    /layer 1 \(before\): only layers that feed back into it/,
  ],
  [
    'layers that reach no output',
    [x, delayOf(['a']), linear('a', 5, 5, 'before'), tanh('h', 'x')],
    /layer 1 \(before\): only layers that feed back into it/,
  ],
])('a delay of %s is an error', async (_, layers, message) => {
  const error = await errorFrom(createModel({ layers }, {}));
  expect(error).toMatchObject({ code: 'ERR_ARGUMENT_RANGE', message: expect.stringMatching(message) });
});

describe('a layer that goes backward', () => {
  const back = { ...layerOf('lstm', 'back', 5, 5), direction: 'reverse', inputs: ['h'] } as LayerSpec;

  test('beside a loop goes through whole sequences', async () => {
    const spec: ModelSpec = { layers: [...elman.layers, back] };
    for (const seed of [1, 2, 3]) {
      const given = sceneOf({ steps: 6, batch: 3, lengths: Int32Array.of(6, 0, 4), withState: true, seed });
      await compare(spec, given, 'simd');
    }
  });

  test('in a loop cannot be', async () => {
    const spec: ModelSpec = { layers: elman.layers.slice() };
    spec.layers[1] = delayOf(['back']);
    spec.layers.push(back);
    const { tensors } = draw(spec, sceneOf());
    const error = await errorFrom(createModel(spec, tensors));
    expect(error).toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/layer back goes/),
    });
  });
});

test('there is no ONNX for it', async () => {
  const { tensors } = draw(elman, sceneOf());
  expect(() => encodeOnnx({ spec: elman, tensors })).toThrow(
    expect.objectContaining({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/layer "before" reads a layer behind it/),
    }),
  );
});
