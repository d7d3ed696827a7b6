import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LayerSpec } from '#dist/model/spec.js';
import { availableKernels, createModel, type ModelSpec, type State } from '#dist/node.js';
import { familyKinds, familyLayer, type Scene, scene } from '../oracle/arbitraries.js';
import { followOracle } from '../oracle/follow.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, expectSameBytes, expectSameRun, expectSameState } from './draw.js';

const expectWithin = (actual: ArrayLike<number>, expected: ArrayLike<number>, bound: ArrayLike<number>) =>
  expect(findExcess(actual, expected, bound)).toBeNull();

type Name = keyof State[number];

const sizes = { inputSize: 24, hiddenSize: 96 };

// Laws: within the oracle's bound, and a run is its steps and its halves, byte for byte.
describe.each(availableKernels())('%s', (kernels) => {
  test.each(familyKinds)('%s', async (kind) => {
    await fc.assert(
      fc.asyncProperty(familyLayer(kind), scene(), fc.nat(), async (layer, given: Scene, cut) => {
        const spec: ModelSpec = { layers: [layer] };
        const { tensors, x, options } = draw(spec, given);
        const { steps, batch, lengths } = options;
        const expected = runOracle(spec, tensors, x, options);
        using model = await createModel(spec, tensors, { kernels });
        const whole = await model.run(x, options);
        expectWithin(whole.y, expected.y, expected.bound);
        for (const [k, record] of expected.state.entries()) {
          expect(Object.keys(whole.state[k]!)).toEqual(Object.keys(record));
          for (const name of Object.keys(record) as Name[])
            expectWithin(whole.state[k]![name]!, record[name]!, expected.stateBound[k]![name]!);
        }
        if (lengths !== undefined) return;
        const part = (values: Float32Array, from: number, to: number) =>
          values.slice((from * values.length) / steps, (to * values.length) / steps);
        const session = model.session(options);
        for (let t = 0; t < steps; t++)
          expectSameBytes(session.step(part(x as Float32Array, t, t + 1)), part(whole.y, t, t + 1));
        expectSameState(session.snapshot(), whole.state);
        const middle = cut % steps;
        if (middle === 0) return;
        const first = await model.run(part(x as Float32Array, 0, middle), {
          batch,
          ...(options.state ? { state: options.state } : {}),
        });
        const { state } = first;
        const second = await model.run(part(x as Float32Array, middle, steps), { batch, state });
        expectSameRun({ y: Float32Array.of(...first.y, ...second.y), state: second.state }, whole);
      }),
      { numRuns: 100 },
    );
  });

  // Wide and long; step by step no error accumulates, so the bound stays a few roundings wide.
  test.each<LayerSpec>([
    { kind: 'slstm', name: 'a', ...sizes, blocks: 4 },
    { kind: 'lnlstm', name: 'a', ...sizes },
    { kind: 'lnlstm', name: 'a', ...sizes, blocks: 8 },
    { kind: 'lngru', name: 'a', ...sizes },
    { kind: 'lngru', name: 'a', ...sizes, blocks: 8 },
    { kind: 'lstm', name: 'a', ...sizes, projectionSize: 24, peepholes: true },
    { kind: 'lstm', name: 'a', ...sizes, blocks: 2, coupled: true, peepholes: true, clip: 1 },
    { kind: 'gru', name: 'a', ...sizes, activations: ['hardSigmoid', 'softsign'] },
    { kind: 'sru', name: 'a', ...sizes },
    { kind: 'qrnn', name: 'a', ...sizes },
  ])('wide and long, step by step: $kind', async (layer) => {
    const spec: ModelSpec = { layers: [layer] };
    const scene: Scene = { steps: 60, batch: 2, withState: true, lengths: null, seed: 7 };
    const { tensors, x, options } = draw(spec, scene);
    using model = await createModel(spec, tensors, { kernels });
    const session = model.session(options);
    const whole = await model.run(x, options);
    const y: number[] = [];
    const off = await followOracle(spec, tensors, x, options, async (frame) => {
      const values = session.step(frame).slice();
      y.push(...values);
      return { y: values, state: session.snapshot() };
    });
    expect(off).toBeNull();
    expectSameRun({ y: Float32Array.from(y), state: session.snapshot() }, whole);
  });
});
