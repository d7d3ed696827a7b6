import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { availableKernels, createModel } from '#dist/node.js';
import type { Input } from '#dist/session/input.js';
import { scene, stack } from '../oracle/arbitraries.js';
import { draw, expectSameBytes, expectSameRun, expectSameState, sceneOf } from './draw.js';
import { familyStructures, structures } from './structures.js';

const all = { ...structures, ...familyStructures };

/** x of steps [from, to). */
function stepsOf(x: Input, steps: number, from: number, to = from + 1): Input {
  const size = x.length / steps;
  return x.slice(from * size, to * size);
}

// Law 5: T steps in one call, in several calls and one by one are the same arithmetic.
describe.each(availableKernels())('%s', (kernels) => {
  test('a run equals its steps, its halves, and a run of a session', async () => {
    await fc.assert(
      fc.asyncProperty(stack(), scene(), fc.nat(), async (spec, given, cut) => {
        const { tensors, x, options } = draw(spec, { ...given, lengths: null });
        const { steps, batch, state } = options;
        using model = await createModel(spec, tensors, { kernels });
        const whole = await model.run(x, options);

        const session = model.session(options);
        const width = whole.y.length / steps;
        for (let t = 0; t < steps; t++) {
          const y = session.step(stepsOf(x, steps, t));
          expectSameBytes(y, whole.y.subarray(t * width, (t + 1) * width), `y of step ${t}: `);
        }
        expectSameState(session.snapshot(), whole.state);

        const middle = cut % steps;
        if (middle > 0) {
          const first = await model.run(stepsOf(x, steps, 0, middle), {
            batch,
            ...(state ? { state } : {}),
          });
          const second = await model.run(stepsOf(x, steps, middle, steps), { batch, state: first.state });
          expectSameBytes(Float32Array.of(...first.y, ...second.y), whole.y);
          expectSameState(second.state, whole.state);
        }

        const runner = model.session(options);
        expectSameRun(await runner.run(x), whole);
        expectSameState(runner.snapshot(), whole.state);
      }),
      { numRuns: 60 },
    );
  });

  test('a stream of some length is the run of its own steps', async () => {
    await fc.assert(
      fc.asyncProperty(stack(), scene(), async (spec, given) => {
        const { tensors, x, options } = draw(spec, { ...given, withState: true });
        const { steps, batch, state, lengths } = options;
        using model = await createModel(spec, tensors, { kernels });
        const ragged = await model.run(x, options);
        const width = ragged.y.length / (steps * batch);
        const inputs = x.length / (steps * batch);
        for (let b = 0; b < batch; b++) {
          const length = lengths?.[b] ?? steps;
          const own = (from: number) =>
            state!.map(({ h, c }) => {
              const row = (v: Float32Array) =>
                v.slice((from * v.length) / batch, ((from + 1) * v.length) / batch);
              return c === undefined ? { h: row(h) } : { h: row(h), c: row(c) };
            });
          const after = own(b);
          if (length > 0) {
            const alone = x.slice(0, length * inputs);
            for (let t = 0; t < length; t++) {
              const from = (t * batch + b) * inputs;
              alone.set(x.subarray(from, from + inputs), t * inputs);
            }
            const { y, state: reached } = await model.run(alone, { state: after });
            for (let t = 0; t < length; t++) {
              const from = (t * batch + b) * width;
              expectSameBytes(ragged.y.slice(from, from + width), y.slice(t * width, (t + 1) * width));
            }
            for (const [k, { h, c }] of reached.entries()) {
              after[k]!.h.set(h);
              after[k]!.c?.set(c!);
            }
          }
          for (const [k, { h, c }] of after.entries()) {
            const size = h.length;
            expectSameBytes(ragged.state[k]!.h.slice(b * size, (b + 1) * size), h, 'h');
            if (c !== undefined) expectSameBytes(ragged.state[k]!.c!.slice(b * size, (b + 1) * size), c, 'c');
          }
          // Past a length y is zero.
          for (let t = length; t < steps; t++) {
            const from = (t * batch + b) * width;
            expect(ragged.y.slice(from, from + width)).toEqual(new Float32Array(width));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each(Object.keys(all))('in several pieces: %s', async (name) => {
    const spec = all[name]!;
    const { tensors, x, options } = draw(spec, sceneOf({ steps: 70, batch: 70, withState: true }));
    using model = await createModel(spec, tensors, { kernels });
    const whole = await model.run(x, options);
    const session = model.session(options);
    const width = whole.y.length / 70;
    for (let t = 0; t < 70; t++) {
      expectSameBytes(session.step(stepsOf(x, 70, t)), whole.y.subarray(t * width, (t + 1) * width));
    }
    expectSameState(session.snapshot(), whole.state);
  });
});
