import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createModel, type Model, type ModelSpec } from '#dist/node.js';
import { watchThreads } from '../schedule/threads.js';
import { draw, errorFrom, expectSameRun, expectSameState, layerOf, sceneOf } from './draw.js';

const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 4, 64), layerOf('gruAfter', 'b', 64, 32, 4)] };
// Many pieces of 64 streams, which are half of the way, then one of the last stream.
const { tensors, x, options } = draw(spec, sceneOf({ steps: 1000, batch: 65, withState: true }));
const isAbort = { name: 'AbortError', code: 'ERR_ABORTED' };

describe.each([1, 2])('threads: %i', (count) => {
  let threads: Worker[];
  let stop: () => void;
  let model: Model;
  beforeEach(async () => {
    ({ threads, stop } = watchThreads());
    model = await createModel(spec, tensors, { threads: count });
  });
  afterEach(() => {
    stop();
    model.dispose();
  });

  test('an abort in the middle of a run leaves the state and the crew as they were', async () => {
    const expected = await model.run(x, options);
    const session = model.session({ batch: 65, state: options.state! });
    for (const at of [1, 250, 500]) {
      const controller = new AbortController();
      const { signal } = controller;
      const reason = new Error('enough');
      const onProgress = (done: number) => done >= at && controller.abort(reason);
      const error = await errorFrom(session.run(x, { signal, onProgress }));
      expect(error).toMatchObject({ ...isAbort, cause: reason });
      expectSameState(session.snapshot(), options.state!);
      expect(await errorFrom(model.run(x, { ...options, signal }))).toMatchObject(isAbort);
    }
    expectSameRun(await session.run(x), expected);
    expectSameState(session.snapshot(), expected.state);
    expect(threads.length).toBe(count === 1 ? 0 : count);
  });

  test('a signal from another task is heard', async () => {
    const signal = AbortSignal.timeout(60);
    const long = draw(spec, sceneOf({ steps: 20_000, batch: 64 }));
    expect(await errorFrom(model.run(long.x, { ...long.options, signal }))).toMatchObject(isAbort);
  });

  test('what a callback throws ends the run, with the state as it was', async () => {
    const session = model.session({ batch: 65, state: options.state! });
    const mine = new Error('mine');
    const onProgress = () => {
      throw mine;
    };
    expect(await errorFrom(session.run(x, { onProgress }))).toBe(mine);
    expectSameState(session.snapshot(), options.state!);
    expectSameRun(await session.run(x), await model.run(x, options));
  });

  test('a signal that has fired before stops loading and running at once', async () => {
    const signal = AbortSignal.abort();
    expect(await errorFrom(createModel(spec, tensors, { signal }))).toMatchObject(isAbort);
    expect(await errorFrom(model.run(x, { ...options, signal }))).toMatchObject(isAbort);
  });

  test('progress only grows, and ends at all steps', async () => {
    const seen: number[] = [];
    await model.run(x, {
      ...options,
      onProgress(done, total) {
        expect(total).toBe(1000);
        seen.push(done);
      },
    });
    expect(seen.at(-1)).toBe(1000);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.every((done, i) => done > 0 && (i === 0 || done >= seen[i - 1]!))).toBe(true);
  });
});
