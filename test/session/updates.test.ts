import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { cellOf } from '#dist/model/cells.js';
import { blocksOf, isRecurrent, type LayerSpec } from '#dist/model/spec.js';
import { availableKernels, createModel, type ModelSpec } from '#dist/node.js';
import { openShare } from '#dist/worklet.js';
import { cellKinds, familyKinds, familyLayer, recurrentLayer, scene } from '../oracle/arbitraries.js';
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
import { familyStructures, structures } from './structures.js';

/** Masks of some of a model's layers: few blocks, many, all or none, in stretches of steps. */
function drawUpdates({ layers }: ModelSpec, steps: number, seed: number): Record<string, Uint8Array> {
  const random = seededRandom(seed);
  // Blocks that meet in every step cannot be skipped.
  const recurrent = layers
    .filter(isRecurrent)
    .filter((layer) => !cellOf(layer).meets || blocksOf(layer) === 1);
  const entries = recurrent.map((layer): [string, Uint8Array] => {
    const count = blocksOf(layer);
    const density = [0, 0.2, 0.5, 0.8, 1][Math.floor(random() * 5)]!;
    const stays = random() < 0.5 ? 0.7 : 0;
    const mask = new Uint8Array(steps * count);
    for (let t = 0; t < steps; t++) {
      for (let n = 0; n < count; n++) {
        const at = t * count + n;
        mask[at] = t > 0 && random() < stays ? mask[at - count]! : random() < density ? 1 : 0;
      }
    }
    return [layer.name, mask];
  });
  // One of them may be left to itself.
  return Object.fromEntries(entries.filter(() => entries.length === 1 || random() < 0.8));
}

const inOneIfMet = (one: LayerSpec): LayerSpec =>
  isRecurrent(one) && cellOf(one).meets && 'blocks' in one ? { ...one, blocks: 1 } : one;

const layerKinds = [...cellKinds, ...familyKinds.filter((kind) => kind !== 'conv' && kind !== 'delay')];
const layer = (kind: (typeof layerKinds)[number]): fc.Arbitrary<LayerSpec> =>
  (cellKinds as readonly string[]).includes(kind)
    ? recurrentLayer(kind as 'lstm')
    : familyLayer(kind as 'sru').map(inOneIfMet);

/** Layers in blocks that come back to each other, and so run step by step, behind one that does not. */
const looped: ModelSpec = {
  layers: [
    layerOf('gruBefore', 'x', 5, 6, 3),
    { kind: 'delay', name: 'before', size: 10, inputs: ['b'] },
    { ...layerOf('lstm', 'a', 16, 12, 3), inputs: ['x', 'before'] },
    layerOf('gruAfter', 'b', 12, 10, 10),
  ],
};

describe.each(availableKernels())('%s', (kernels) => {
  test.each(layerKinds)(
    '%s lies within the bound of the oracle, and steps give the same bytes',
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(layer(kind), scene(), fc.integer(), async (one, given, seed) => {
          const spec: ModelSpec = { layers: [one] };
          const { tensors, x, options } = draw(spec, given);
          const { steps } = options;
          const updates = drawUpdates(spec, steps, seed);
          const expected = runOracle(spec, tensors, x, { ...options, updates });
          using model = await createModel(spec, tensors, { kernels });
          const whole = await model.run(x, { ...options, updates });
          expect(findExcess(whole.y, expected.y, expected.bound)).toBeNull();
          for (const [name, values] of Object.entries(expected.state[0]!) as ['h', Float64Array][])
            expect(findExcess(whole.state[0]![name]!, values, expected.stateBound[0]![name]!)).toBeNull();
          if (given.lengths !== null) return;
          const session = model.session(options);
          const mask = session.updates(one.name);
          expect([...mask]).toEqual(Array.from(mask, () => 1));
          for (let t = 0; t < steps; t++) {
            mask.set(updates[one.name]!.subarray(t * mask.length, (t + 1) * mask.length));
            const part = <T extends { length: number; slice(from: number, to: number): T }>(values: T) =>
              values.slice((t * values.length) / steps, ((t + 1) * values.length) / steps);
            expectSameBytes(session.step(part(x)), part(whole.y));
          }
          expectSameState(session.snapshot(), whole.state);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('layers that come back to themselves lie within the bound of the oracle', async () => {
    await fc.assert(
      fc.asyncProperty(scene(), fc.integer(), async (given, seed) => {
        const { tensors, x, options } = draw(looped, given);
        const updates = drawUpdates(looped, options.steps, seed);
        const expected = runOracle(looped, tensors, x, { ...options, updates });
        using model = await createModel(looped, tensors, { kernels });
        const { y, state } = await model.run(x, { ...options, updates });
        expect(findExcess(y, expected.y, expected.bound)).toBeNull();
        for (const [k, { h }] of expected.state.entries())
          expect(findExcess(state[k]!.h, h, expected.stateBound[k]!.h)).toBeNull();
      }),
      { numRuns: 60 },
    );
  });

  test.each(Object.entries({ ...structures, ...familyStructures, looped }))(
    'any number of workers, pieces and slices give the same bytes: %s',
    async (_, spec) => {
      const runs = [
        sceneOf({ steps: 70, batch: 67, withState: true, seed: 5 }),
        sceneOf({ steps: 33, batch: 5, lengths: Int32Array.of(33, 0, 17, 1, 32), seed: 6 }),
        sceneOf({ steps: 50, withState: true, seed: 7 }),
      ].map((given, k) => {
        const drawn = draw(spec, given);
        return { ...drawn, options: { ...drawn.options, updates: drawUpdates(spec, given.steps, k) } };
      });
      const { tensors } = runs[0]!;
      using solo = await createModel(spec, tensors, { kernels });
      const expected = [];
      for (const { x, options } of runs) expected.push(await solo.run(x, options));
      for (const threads of [2, 3]) {
        using crew = await createModel(spec, tensors, { kernels, threads });
        for (const [k, { x, options }] of runs.entries())
          expectSameRun(await crew.run(x, options), expected[k]!);
      }
      const { x, options } = runs[0]!;
      const session = solo.session(options);
      const width = expected[0]!.y.length / 70;
      const [first] = Object.keys(options.updates);
      if (first === undefined) return;
      for (let t = 0; t < 70; t++) {
        for (const [name, values] of Object.entries(options.updates))
          session
            .updates(name)
            .set(values.subarray((t * values.length) / 70, ((t + 1) * values.length) / 70));
        const y = session.step(x.slice((t * x.length) / 70, ((t + 1) * x.length) / 70));
        expectSameBytes(y, expected[0]!.y.subarray(t * width, (t + 1) * width));
      }
      expectSameState(session.snapshot(), expected[0]!.state);
    },
  );
});

const two: ModelSpec = { layers: [layerOf('lstm', 'a', 5, 12, 3), layerOf('gruAfter', 'b', 12, 10, 10)] };

test('a mask of ones is no mask, and a layer that rests repeats its state', async () => {
  const { tensors, x, options } = draw(two, sceneOf({ steps: 9, batch: 2, withState: true }));
  using model = await createModel(two, tensors);
  const plain = await model.run(x, options);
  const ones = { a: new Uint8Array(27).fill(1), b: new Uint8Array(90).fill(255) };
  expectSameRun(await model.run(x, { ...options, updates: ones }), plain);
  const rest = await model.run(x, { ...options, updates: { b: new Uint8Array(90) } });
  expectSameState([rest.state[1]!], [options.state![1]!]);
  expectSameBytes(rest.y.slice(-20), options.state![1]!.h);
});

test('masks belong to a session, which its runs obey; neither reset, restore nor another session moves them', async () => {
  const { tensors, x, options } = draw(two, sceneOf({ steps: 4 }));
  using model = await createModel(two, tensors);
  const [session, other] = [model.session(), model.session()];
  session.updates('a').set([1, 0, 1]);
  session.updates('b').fill(0, 3);
  const updates = {
    a: Uint8Array.from({ length: 12 }, (_, k) => (k % 3 === 1 ? 0 : 1)),
    b: Uint8Array.from({ length: 40 }, (_, k) => (k % 10 < 3 ? 1 : 0)),
  };
  const expected = await model.run(x, { ...options, updates });
  const plain = await model.run(x, options);
  for (let t = 0; t < 4; t++) {
    const frame = x.slice(t * 5, (t + 1) * 5);
    expectSameBytes(session.step(frame), expected.y.slice(t * 10, (t + 1) * 10));
    expectSameBytes(other.step(frame), plain.y.slice(t * 10, (t + 1) * 10));
  }
  session.reset();
  expectSameRun(await session.run(x), expected);
  session.restore(model.session().snapshot());
  expect([...session.updates('a')]).toEqual([1, 0, 1]);
  // What a run says goes before what the session says.
  const half = await session.run(x, { updates: { a: new Uint8Array(12).fill(1) } });
  expectSameRun(half, await model.run(x, { ...options, updates: { b: updates.b } }));
  const shared = openShare(await model.share()).session();
  shared.updates('a').set([1, 0, 1]);
  shared.updates('b').fill(0, 3);
  expectSameBytes(shared.step(x.slice(0, 5)), expected.y.slice(0, 10));
});

test('what is no mask is refused before anything has changed', async () => {
  const spec: ModelSpec = {
    layers: [
      ...two.layers,
      { ...layerOf('lstm', 'c', 10, 4), direction: 'bidirectional' },
      { kind: 'lngru', name: 'm', inputSize: 8, hiddenSize: 8, blocks: 2 },
      { kind: 'linear', name: 'd', inputSize: 8, outputSize: 2 },
    ],
  };
  const { tensors, x } = draw(spec, sceneOf({ steps: 3 }));
  using model = await createModel(spec, tensors);
  const out = new Float32Array(6).fill(7);
  const refuse = async (updates: unknown, name: string, message: RegExp) => {
    const error = await errorFrom(model.run(x, { updates: updates as Record<string, Uint8Array>, out }));
    expect(error).toMatchObject({ name, message });
    expect([...out]).toEqual([7, 7, 7, 7, 7, 7]);
  };
  await refuse(null, 'TypeError', /updates must be an object/);
  await refuse({ a: [1, 1, 1] }, 'TypeError', /updates of layer a must be a Uint8Array/);
  await refuse({ a: new Uint8Array(10) }, 'RangeError', /\[3, 3\] need 9 values, got 10/);
  await refuse({ b: new Uint8Array(9) }, 'RangeError', /\[3, 10\] need 30 values, got 9/);
  await refuse({ d: new Uint8Array(3) }, 'RangeError', /"d" is none/);
  await refuse({ nobody: new Uint8Array(3) }, 'RangeError', /"nobody" is none/);
  await refuse({ c: new Uint8Array(3) }, 'UnsupportedError', /layer c goes backward/);
  await refuse({ m: new Uint8Array(6) }, 'UnsupportedError', /layer m .* meet in every step/);
  // A layer that goes forward beside it has masks.
  const some = await model.run(x, { updates: { a: new Uint8Array(9) } });
  expect([...some.state[0]!.h]).toEqual(new Array(12).fill(0));

  using small = await createModel(two, draw(two, sceneOf()).tensors);
  const session = small.session();
  const fails = (name: unknown) => () => session.updates(name as string);
  expect(fails('c')).toThrow(RangeError);
  expect(fails(undefined)).toThrow(TypeError);
});
