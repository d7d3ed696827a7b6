import { afterAll, beforeAll, expect, test } from 'vitest';
import { createModel, type Model, type State } from '#dist/node.js';
import type { Input } from '#dist/session/input.js';
import { draw, expectSameBytes, expectSameState, sceneOf } from './draw.js';
import { structures } from './structures.js';

const spec = structures.mixed!;
const steps = 24;
const { tensors } = draw(spec, sceneOf());
let model: Model;
beforeAll(async () => {
  model = await createModel(spec, tensors);
});
afterAll(() => model.dispose());

/** Ids and initial states of B streams, and what a session of its own gives for them. */
function streams(batch: number, seed: number) {
  const { x, options } = draw(spec, sceneOf({ steps, batch, withState: true, seed }));
  const frames: Input[] = Array.from({ length: steps }, (_, t) => x.subarray(t * batch, (t + 1) * batch));
  const session = model.session(options);
  return { batch, frames, state: options.state!, expected: frames.map((x) => session.step(x).slice()) };
}

test('saving, restoring and stepping on gives the same bytes', () => {
  const { batch, frames, state, expected } = streams(3, 1);
  const session = model.session({ batch, state });
  for (let t = 0; t < 10; t++) session.step(frames[t]!);
  const saved = session.snapshot();
  const copy = structuredClone(saved);
  for (let round = 0; round < 2; round++) {
    for (let t = 10; t < steps; t++) expectSameBytes(session.step(frames[t]!), expected[t]!);
    session.restore(saved);
    expectSameState(session.snapshot(), copy);
  }
  // Neither side of a copy sees what becomes of the other.
  expectSameState(saved, copy);
  const other = model.session({ batch, state: saved });
  for (const { h, c } of saved) {
    h.fill(9);
    c?.fill(9);
  }
  for (let t = 10; t < steps; t++) expectSameBytes(other.step(frames[t]!), expected[t]!);
});

test('many sessions of different widths, interleaved, do not disturb each other', () => {
  const all = [1, 2, 70, 1, 64, 65, 5].map((batch, k) => streams(batch, 10 + k));
  const sessions = all.map(({ batch, state }) => model.session({ batch, state }));
  for (let t = 0; t < steps; t++) {
    for (const [k, session] of sessions.entries()) {
      // Not always in the same order, and some twice in a row.
      const turn = t % 3 === 0 ? k : all.length - 1 - k;
      const { frames, expected } = all[turn]!;
      expectSameBytes(sessions[turn]!.step(frames[t]!), expected[t]!, `session ${turn}, step ${t}: `);
      if (t % 5 === k % 5) session.snapshot();
    }
  }
});

test('a session of 70 streams is 70 sessions of one', () => {
  const { frames, state, expected } = streams(70, 3);
  for (const b of [0, 1, 63, 64, 69]) {
    const own = state.map(({ h, c }) => {
      const row = (v: Float32Array) => v.slice((b * v.length) / 70, ((b + 1) * v.length) / 70);
      return c === undefined ? { h: row(h) } : { h: row(h), c: row(c) };
    });
    const session = model.session({ state: own });
    for (let t = 0; t < steps; t++) {
      const width = expected[t]!.length / 70;
      expectSameBytes(
        session.step(frames[t]!.subarray(b, b + 1)),
        expected[t]!.slice(b * width, (b + 1) * width),
      );
    }
  }
});

test.each([3, 70])('of %i streams one is reset alone, and then all', (batch) => {
  const { frames, state } = streams(batch, 4);
  for (const b of [0, batch - 1]) {
    const session = model.session({ batch, state });
    session.step(frames[0]!);
    const expected: State = session.snapshot();
    for (const { h, c } of expected) {
      h.fill(0, (b * h.length) / batch, ((b + 1) * h.length) / batch);
      c?.fill(0, (b * c.length) / batch, ((b + 1) * c.length) / batch);
    }
    session.reset(b);
    expectSameState(session.snapshot(), expected);
    const other = model.session({ batch, state: expected });
    expectSameBytes(session.step(frames[1]!), other.step(frames[1]!));
    session.reset();
    expectSameState(session.snapshot(), model.session({ batch }).snapshot());
    expectSameBytes(session.step(frames[1]!), model.session({ batch }).step(frames[1]!));
  }
});

test('y goes where it is wanted, or to an array of the session', async () => {
  const { batch, frames, state, expected } = streams(2, 5);
  const session = model.session({ batch, state });
  const out = new Float32Array(expected[0]!.length);
  expect(session.step(frames[0]!, out)).toBe(out);
  expectSameBytes(out, expected[0]!);
  const mine = session.step(frames[1]!);
  expect(mine).not.toBe(out);
  expectSameBytes(out, expected[0]!);
  expect(session.step(frames[2]!)).toBe(mine);
  const place = new Float32Array(2 * out.length);
  const x = Int32Array.of(...frames[3]!, ...frames[4]!);
  expect((await session.run(x, { out: place })).y).toBe(place);
  expectSameBytes(place, Float32Array.of(...expected[3]!, ...expected[4]!));
});

test('a run writes neither its input nor the state it is given', async () => {
  const { x, options } = draw(
    spec,
    sceneOf({ steps, batch: 2, withState: true, lengths: Int32Array.of(5, 24) }),
  );
  const before = structuredClone({ x, options });
  const { state } = await model.run(x, options);
  expect({ x, options }).toEqual(before);
  for (const [k, { h }] of state.entries()) expect(h).not.toBe(options.state![k]!.h);
});
