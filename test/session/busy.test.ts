import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createModel, type Model, type ModelSpec } from '#dist/node.js';
import {
  draw,
  errorFrom,
  expectSameBytes,
  expectSameRun,
  expectSameState,
  layerOf,
  sceneOf,
} from './draw.js';

const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 4, 96), layerOf('elmanTanh', 'b', 96, 96, 96)] };
const { tensors, x, options } = draw(spec, sceneOf({ steps: 3000, batch: 8 }));
const busy = { name: 'TypeError', code: 'ERR_BUSY' };

describe.each([1, 2, 'auto'] as const)('threads: %s', (threads) => {
  let model: Model;
  beforeAll(async () => {
    model = await createModel(spec, tensors, { threads });
  });
  afterAll(() => model.dispose());

  test('a second run at the same time is refused, and the first one is right', async () => {
    const expected = await model.run(x, options);
    const first = model.run(x, options);
    const session = model.session({ batch: 8 });
    const refused = [model.run(x, options), session.run(x)].map(errorFrom);
    for (const error of await Promise.all(refused)) expect(error).toMatchObject(busy);
    expectSameState(session.snapshot(), model.session({ batch: 8 }).snapshot());
    expectSameRun(await first, expected);
    expectSameRun(await session.run(x), expected);
  });

  test('a session is not to be touched during its own run', async () => {
    const session = model.session({ batch: 8 });
    const expected = await model.run(x, options);
    const run = session.run(x);
    const saved = model.session({ batch: 8 }).snapshot();
    const frame = x.subarray(0, 32);
    for (const call of [
      () => session.step(frame),
      () => session.reset(),
      () => session.reset(1),
      () => session.snapshot(),
      () => session.restore(saved),
    ]) {
      expect(call).toThrow(expect.objectContaining(busy));
    }
    expect(await errorFrom(session.run(x))).toMatchObject(busy);
    expectSameRun(await run, expected);
    expectSameState(session.snapshot(), expected.state);
    session.reset();
    expectSameBytes(session.step(frame), expected.y.slice(0, 8 * 96));
  });

  test('other sessions go on stepping during a run, and both are right', async () => {
    const alone = model.session({ batch: 8 });
    const frames = Array.from({ length: 40 }, (_, t) => x.subarray(t * 32, (t + 1) * 32));
    const steps = frames.map((frame) => alone.step(frame).slice());
    const expected = await model.run(x, options);
    const other = model.session({ batch: 8 });
    const running = model.session({ batch: 8 });
    let t = 0;
    let finished = false;
    const stepOnce = () => {
      if (t < frames.length) {
        expectSameBytes(other.step(frames[t]!), steps[t]!);
        t++;
      }
    };
    const run = running.run(x, { onProgress: stepOnce }).finally(() => {
      finished = true;
    });
    stepOnce();
    while (!finished) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      stepOnce();
    }
    expect(t).toBeGreaterThan(3);
    expectSameRun(await run, expected);
  });
});
