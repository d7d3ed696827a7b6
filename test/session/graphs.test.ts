import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { availableKernels, createModel, type KernelSet, type ModelSpec } from '#dist/node.js';
import { type Scene, scene } from '../oracle/arbitraries.js';
import { graph } from '../oracle/graphs.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, expectSameBytes, expectSameRun, expectSameState } from './draw.js';

async function compare(spec: ModelSpec, given: Scene, kernels: KernelSet): Promise<void> {
  const { tensors, x, options } = draw(spec, given);
  const expected = runOracle(spec, tensors, x, options);
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
