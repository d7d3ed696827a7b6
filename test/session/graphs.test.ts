import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
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

async function compare(spec: ModelSpec, given: Scene, kernels: KernelSet): Promise<void> {
  const { tensors, x, options } = draw(spec, given);
  const expected = runOracle(spec, tensors, x, options);
  // What is divided by next to nothing has no bound: another graph is drawn in its place.
  fc.pre(expected.bound.every(Number.isFinite));
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
  test.each([
    ['forward', false],
    ['in both directions', true],
  ])('a graph that goes %s lies within the bound of the oracle', async (_, reverses) => {
    await fc.assert(
      fc.asyncProperty(graph(reverses), scene(), (spec, given) => compare(spec, given, kernels)),
      { numRuns: 300 },
    );
  });

  test('a run of a graph equals its steps', async () => {
    await fc.assert(
      fc.asyncProperty(graph(false), scene(), async (spec, given) => {
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
      fc.asyncProperty(graph(true), scene(), fc.integer({ min: 2, max: 3 }), async (spec, given, threads) => {
        const { tensors, x, options } = draw(spec, given);
        using solo = await createModel(spec, tensors, { kernels });
        using crew = await createModel(spec, tensors, { kernels, threads });
        expectSameRun(await crew.run(x, options), await solo.run(x, options));
      }),
      { numRuns: 15 },
    );
  });
});

const parts: ModelSpec = {
  layers: [
    { kind: 'embedding', name: 'large', count: 9, size: 6 },
    { kind: 'embedding', name: 'small', count: 5, size: 8, inputs: ['input'] },
    { kind: 'gru', name: 'gru', inputSize: 14, hiddenSize: 10, inputs: ['large', 'small'] },
    { kind: 'slice', name: 'cut', inputSize: 10, from: 3, to: 9 },
    { kind: 'combine', name: 'both', combine: 'add', inputs: ['cut', 'large'] },
    { kind: 'linear', name: 'out', inputSize: 16, outputSize: 3, inputs: ['both', 'gru'] },
  ],
};

test('what can be written where it is read is not copied, and a plain stack has two activations', () => {
  const { ops, run, vocabulary } = planProgram(checkSpec(parts), 1, planGraph);
  // An embedding and a recurrent layer write no more than their own; the combination, of six, would write eight.
  expect(ops.filter(({ op }) => op === 'copy').map(({ name }) => name)).toEqual(['both']);
  expect(vocabulary).toBe(5);
  expect(run.activations.length).toBe(3);
  const stack: ModelSpec = {
    layers: [layerOf('lstm', 'a', 3, 8), layerOf('lstm', 'b', 8, 8), layerOf('lstm', 'c', 8, 8)],
  };
  expect(planProgram(checkSpec(stack), 1, planGraph).run.activations.length).toBe(2);
});

test('recurrent layers that do not read each other run in one step', () => {
  const beside = { ...layerOf('lstm', 'b', 3, 8), inputs: ['input'] };
  const spec: ModelSpec = {
    layers: [
      layerOf('lstm', 'a', 3, 8),
      beside,
      { kind: 'combine', name: 'c', combine: 'add', inputs: ['a', 'b'] },
    ],
  };
  const [stage] = planProgram(checkSpec(spec), 1, planGraph).stages;
  expect(stage!.steps).toEqual([[0, 1], [2]]);
});

test('ids are checked against the smallest embedding, and sessions of many streams step', async () => {
  const batch = 130;
  const { tensors, x } = draw(parts, sceneOf({ steps: 3, batch }));
  using model = await createModel(parts, tensors);
  expect(await errorFrom(model.run(Int32Array.of(5)))).toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
  const whole = await model.run(x, { batch });
  const session = model.session({ batch });
  for (let t = 0; t < 3; t++) {
    const y = session.step(x.slice(t * batch, (t + 1) * batch));
    expectSameBytes(y, whole.y.subarray(t * batch * 3, (t + 1) * batch * 3));
  }
  const shared = openShare(await model.share()).session();
  expectSameBytes(shared.step(x.slice(0, 1)), whole.y.slice(0, 3));
});

test('a model that needs kernels of the family asks for their binary, and others do not', async () => {
  const { tensors, x } = draw(parts, sceneOf({ steps: 2 }));
  using own = await createModel(parts, tensors, { kernels: 'simd' });
  const asked: string[] = [];
  const wasmModule = async (name: string) => {
    asked.push(name);
    return WebAssembly.compile(await readFile(new URL(`../../dist/wasm/${name}.wasm`, import.meta.url)));
  };
  using given = await createModel(parts, tensors, { kernels: 'simd', wasmModule });
  expectSameRun(await given.run(x), await own.run(x));
  using crew = await createModel(parts, tensors, { kernels: 'simd', wasmModule, threads: 2 });
  expectSameRun(await crew.run(x), await own.run(x));
  expect(asked).toEqual(['family-simd', 'family-simd-shared']);
  const core = await wasmModule('simd');
  const wrong = createModel(parts, tensors, { kernels: 'simd', wasmModule: core });
  expect(await errorFrom(wrong)).toMatchObject({ code: 'ERR_FORMAT', message: /family-simd/ });
});
