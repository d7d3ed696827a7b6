import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelSpec, StripShape } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { availableKernels, createModel } from '#dist/node.js';
import { openShare } from '#dist/worklet.js';
import { cellKinds, type Scene, scene } from '../oracle/arbitraries.js';
import { followOracle } from '../oracle/follow.js';
import { runOracle } from '../oracle/model.js';
import { expandStripsToDense, stripShapes, stripStack, withStrips } from '../oracle/strips.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, expectSameBytes, expectSameRun, expectSameState, layerOf, sceneOf } from '../session/draw.js';

/** A scene of a model with strips. */
function drawStrips(
  plain: ModelSpec,
  shape: StripShape,
  density: number,
  diagonal: boolean,
  given: Scene,
): { spec: ModelSpec; tensors: Tensors } & Pick<ReturnType<typeof draw>, 'x' | 'options'> {
  const { tensors, x, options } = draw(plain, given);
  return { ...withStrips(given.seed, plain, tensors, shape, density, diagonal), x, options };
}

/** All five cells, of a size that leaves padding in vectors, strips and shares. */
const allCells: ModelSpec = {
  layers: [
    ...cellKinds.map((kind, k) => layerOf(kind, `rnn.${k}`, k === 0 ? 7 : 37, 37)),
    { kind: 'linear', name: 'out', inputSize: 37, outputSize: 11 },
  ],
};

describe.each(availableKernels())('%s: layers whose recurrent weights are strips', (kernels) => {
  test('lie within the bound of the dense oracle', async () => {
    await fc.assert(
      fc.asyncProperty(stripStack(), scene(), async ({ spec: plain, shape, density, diagonal }, given) => {
        const { spec, tensors, x, options } = drawStrips(plain, shape, density, diagonal, given);
        const dense = expandStripsToDense(spec, tensors);
        const expected = runOracle(dense.spec, dense.tensors, x, options);
        using model = await createModel(spec, tensors, { kernels });
        const { y, state } = await model.run(x, options);
        expect(findExcess(y, expected.y, expected.bound)).toBeNull();
        for (const [k, { h, c }] of expected.state.entries()) {
          expect(findExcess(state[k]!.h, h, expected.stateBound[k]!.h)).toBeNull();
          if (c) expect(findExcess(state[k]!.c!, c, expected.stateBound[k]!.c!)).toBeNull();
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a run equals its steps, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(stripStack(), scene(), async ({ spec: plain, shape, density, diagonal }, given) => {
        const drawn = drawStrips(plain, shape, density, diagonal, { ...given, lengths: null });
        const { spec, tensors, x, options } = drawn;
        using model = await createModel(spec, tensors, { kernels });
        const whole = await model.run(x, options);
        const session = model.session(options);
        const [width, size] = [whole.y.length / given.steps, x.length / given.steps];
        for (let t = 0; t < given.steps; t++) {
          const y = session.step(x.slice(t * size, (t + 1) * size));
          expectSameBytes(y, whole.y.subarray(t * width, (t + 1) * width), `y of step ${t}: `);
        }
        expectSameState(session.snapshot(), whole.state);
      }),
      { numRuns: 60 },
    );
  });

  test.each(stripShapes)('%s: two and three workers give the bytes of one', async (shape) => {
    for (const lengths of [null, Int32Array.of(20, 0, 7)]) {
      const given = sceneOf({ steps: 20, batch: 3, withState: true, lengths, seed: 3 });
      const { spec, tensors, x, options } = drawStrips(allCells, shape, 0.4, shape !== '4x4', given);
      using one = await createModel(spec, tensors, { kernels });
      const expected = await one.run(x, options);
      for (const threads of [2, 3]) {
        using model = await createModel(spec, tensors, { kernels, threads });
        expectSameRun(await model.run(x, options), expected);
      }
    }
  });

  test('go to another thread as any other layer', async () => {
    const given = sceneOf({ steps: 5, batch: 2 });
    const { spec, tensors, x } = drawStrips(allCells, '8x4', 0.4, true, given);
    using model = await createModel(spec, tensors, { kernels });
    const { y } = await model.run(x, { batch: 2 });
    const session = openShare(structuredClone(await model.share())).session({ batch: 2 });
    const [width, size] = [y.length / 5, x.length / 5];
    for (let t = 0; t < 5; t++)
      expectSameBytes(session.step(x.slice(t * size, (t + 1) * size)), y.slice(t * width, (t + 1) * width));
  });

  test.each(cellKinds)('%s, wide and long, step by step', async (kind) => {
    const plain: ModelSpec = {
      layers: [layerOf(kind, 'a', 24, 96), layerOf(kind, 'b', 96, 100), layerOf(kind, 'c', 100, 96, 4)],
    };
    const given = sceneOf({ steps: 40, batch: 2, withState: true, seed: 7 });
    const { spec, tensors, x, options } = drawStrips(plain, '8x4', 0.3, true, given);
    const dense = expandStripsToDense(spec, tensors);
    using model = await createModel(spec, tensors, { kernels });
    const session = model.session(options);
    const off = await followOracle(dense.spec, dense.tensors, x, options, async (frame) => {
      const y = session.step(frame).slice();
      return { y, state: session.snapshot() };
    });
    expect(off).toBeNull();
  });
});
