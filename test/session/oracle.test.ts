import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { availableKernels, createModel, type KernelSet, type ModelSpec } from '#dist/node.js';
import { cellKinds, recurrentLayer, type Scene, scene, stack } from '../oracle/arbitraries.js';
import { followOracle } from '../oracle/follow.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, layerOf, sceneOf } from './draw.js';

async function compare(spec: ModelSpec, given: Scene, kernels: KernelSet): Promise<void> {
  const { tensors, x, options } = draw(spec, given);
  const expected = runOracle(spec, tensors, x, options);
  using model = await createModel(spec, tensors, { kernels });
  const { y, state } = await model.run(x, options);
  expect(findExcess(y, expected.y, expected.bound)).toBeNull();
  expect(state.length).toBe(expected.state.length);
  for (const [k, { h, c }] of expected.state.entries()) {
    expect(findExcess(state[k]!.h, h, expected.stateBound[k]!.h)).toBeNull();
    expect(state[k]!.c === undefined).toBe(c === undefined);
    if (c) expect(findExcess(state[k]!.c!, c, expected.stateBound[k]!.c!)).toBeNull();
  }
}

describe.each(availableKernels())('%s: a run lies within the bound of the oracle', (kernels) => {
  test.each(cellKinds)('%s, dense, block and diagonal', async (kind) => {
    await fc.assert(
      fc.asyncProperty(recurrentLayer(kind), scene(), (layer, given) =>
        compare({ layers: [layer] }, given, kernels),
      ),
      { numRuns: 100 },
    );
  });

  test('stacks with embedding, linear and activations', async () => {
    await fc.assert(
      fc.asyncProperty(stack(), scene(), (spec, given) => compare(spec, given, kernels)),
      { numRuns: 150 },
    );
  });

  test('stacks without a recurrent layer', async () => {
    const linear = (name: string, inputSize: number, outputSize: number) =>
      ({ kind: 'linear', name, inputSize, outputSize }) as const;
    const specs: ModelSpec[] = [
      {
        layers: [
          linear('a', 17, 9),
          { kind: 'activation', name: 'b', activation: 'relu' },
          linear('c', 9, 33),
        ],
      },
      { layers: [{ kind: 'embedding', name: 'a', count: 5, size: 3 }] },
      {
        layers: [
          { kind: 'embedding', name: 'a', count: 1, size: 9 },
          { kind: 'activation', name: 'b', activation: 'softmax' },
        ],
      },
    ];
    for (const spec of specs) {
      await compare(spec, sceneOf({ steps: 7, batch: 3 }), kernels);
      await compare(spec, sceneOf({ steps: 7, batch: 3, lengths: Int32Array.of(0, 7, 3) }), kernels);
    }
  });

  // Wide enough for every tile and split, and long; step by step no error accumulates.
  test.each(cellKinds)('%s, wide and long, step by step', async (kind) => {
    const spec: ModelSpec = {
      layers: [
        layerOf(kind, 'a', 24, 96),
        layerOf(kind, 'b', 96, 96, 4),
        layerOf(kind, 'c', 96, 96, 96),
        { kind: 'linear', name: 'd', inputSize: 96, outputSize: 40 },
      ],
    };
    const given = sceneOf({ steps: 60, batch: 2, withState: true, seed: 7 });
    const { tensors, x, options } = draw(spec, given);
    using model = await createModel(spec, tensors, { kernels });
    const whole = await model.run(x, options);
    const session = model.session(options);
    const width = 2 * 40;
    const off = await followOracle(spec, tensors, x, options, async (frame, _, t) => {
      const y = session.step(frame).slice();
      // The long run is the same arithmetic, so what holds for steps holds for it.
      expect(y).toEqual(whole.y.slice(t * width, (t + 1) * width));
      return { y, state: session.snapshot() };
    });
    expect(off).toBeNull();
    expect(session.snapshot()).toEqual(whole.state);
  });
});

test('both kernel sets are proven here', () => {
  expect(availableKernels()).toEqual(['relaxed', 'simd']);
});
