import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import { encodeOnnx } from '#dist/formats/onnx/write.js';
import { checkSpec } from '#dist/model/check.js';
import { availableKernels, createModel, type ModelSpec } from '#dist/node.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import { runOnnxNode } from '../onnx/runtime.js';
import { type Scene, scene } from '../oracle/arbitraries.js';
import { blockedStack } from '../oracle/blocks.js';
import { expandInputs, expandToDense } from '../oracle/dense.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, expectSameBytes, expectSameRun, expectSameState, layerOf, sceneOf } from './draw.js';
import { familyStructures } from './structures.js';

const expectWithin = (actual: ArrayLike<number>, expected: ArrayLike<number>, bound: ArrayLike<number>) =>
  expect(findExcess(actual, expected, bound)).toBeNull();
const twice = (bound: Float64Array) => bound.map((value) => 2 * value);

// Blocks that do not recur: of linear layers, and of what recurrent layers read.
describe.each(availableKernels())('%s', (kernels) => {
  test('within the bound of the oracle, as the dense model, and as its steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean().chain(blockedStack), scene(), async (spec, given: Scene) => {
        const { tensors, x, options } = draw(spec, given);
        const expected = runOracle(spec, tensors, x, options);
        const { spec: wide, tensors: filled } = expandToDense(spec, tensors);
        const { bound } = runOracle(wide, filled, x, options);
        // A norm of few units that an exponential gate is behind can be off by anything: another stack.
        const states = expected.stateBound.flatMap(({ h, c }) => [h, ...(c === undefined ? [] : [c])]);
        fc.pre([expected.bound, bound, ...states].every((values) => values.every(Number.isFinite)));
        using model = await createModel(spec, tensors, { kernels });
        const whole = await model.run(x, options);
        expectWithin(whole.y, expected.y, expected.bound);
        for (const [k, { h, c }] of expected.state.entries()) {
          expectWithin(whole.state[k]!.h, h, expected.stateBound[k]!.h);
          if (c) expectWithin(whole.state[k]!.c!, c, expected.stateBound[k]!.c!);
        }
        // Both programs are within the bound of the same exact arithmetic: zeros add nothing to it.
        using dense = await createModel(wide, filled, { kernels });
        expectWithin((await dense.run(x, options)).y, whole.y, twice(bound));
        if (options.lengths !== undefined || planProgram(spec, 1, planGraph).reverses) return;
        const session = model.session(options);
        const [size, width] = [x.length / options.steps, whole.y.length / options.steps];
        for (let t = 0; t < options.steps; t++) {
          const y = session.step(x.slice(t * size, (t + 1) * size));
          expectSameBytes(y, whole.y.subarray(t * width, (t + 1) * width));
        }
        expectSameState(session.snapshot(), whole.state);
      }),
      { numRuns: 120 },
    );
  });

  test('several threads give the bytes of one', async () => {
    await fc.assert(
      fc.asyncProperty(
        blockedStack(true),
        scene(),
        fc.integer({ min: 2, max: 4 }),
        async (spec, given, threads) => {
          const { tensors, x, options } = draw(spec, given);
          using solo = await createModel(spec, tensors, { kernels });
          using crew = await createModel(spec, tensors, { kernels, threads });
          expectSameRun(await crew.run(x, options), await solo.run(x, options));
        },
      ),
      { numRuns: 12 },
    );
  });
});

test('what a block does not read does not reach it, not even a NaN', async () => {
  const sizes = [1, 2, 3, 5, 8, 12];
  for (const units of sizes) {
    const spec: ModelSpec = {
      layers: [{ kind: 'linear', name: 'a', inputSize: 5 * 3, outputSize: 5 * units, blocks: 5 }],
    };
    const { tensors, x, options } = draw(spec, sceneOf({ steps: 5 }));
    for (let t = 0; t < 5; t++) x[t * 15 + 7] = Number.NaN;
    using model = await createModel(spec, tensors);
    const { y } = await model.run(x, options);
    expect([...y].map(Number.isNaN)).toEqual(
      [...y].map((_, i) => Math.floor((i % (5 * units)) / units) === 2),
    );
  }
});

const common: ModelSpec = {
  layers: [
    { ...layerOf('lstm', 'a', 12, 16, 2), inputBlocks: 4 },
    { ...layerOf('gruBefore', 'b', 16, 24, 1), inputBlocks: 4 },
    { ...layerOf('elmanTanh', 'c', 24, 12, 12), inputBlocks: 6 },
  ],
};

test.each([
  ['linear layers', familyStructures['linear in blocks']!],
  ['recurrent layers', common],
])('ONNX files hold dense input weights of %s', async (_, given) => {
  const spec = checkSpec(given);
  const { tensors, x, options } = draw(spec, sceneOf({ steps: 4, batch: 3, withState: true }));
  const bytes = encodeOnnx({ spec, tensors });
  expect(readOnnx(bytes).file).toEqual(expandInputs(spec, tensors));
  const { bound } = runOracle(spec, tensors, x, options);
  const theirs = await runOnnxNode(bytes, spec, { x, ...options });
  using model = await createModel(spec, tensors);
  expectWithin((await model.run(x, options)).y, theirs.y, twice(bound));
});

test('ONNX files hold dense input weights of both directions', () => {
  const layer = { ...layerOf('gruAfter', 'a', 12, 16, 2), direction: 'bidirectional', inputBlocks: 4 };
  const spec = checkSpec({ layers: [layer] });
  const { tensors } = draw(spec, sceneOf());
  expect(readOnnx(encodeOnnx({ spec, tensors })).file).toEqual(expandInputs(spec, tensors));
});
