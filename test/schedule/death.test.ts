import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createModel, type Model, type ModelSpec } from '#dist/node.js';
import { draw, expectSameRun, expectSameState, layerOf, sceneOf } from '../session/draw.js';
import { watchThreads } from './threads.js';

// Dense layers make the workers wait for each other at every step, blocks only after each layer.
const specs: Record<string, ModelSpec> = {
  'dense, so that workers meet at every step': {
    layers: [layerOf('lstm', 'a', 16, 128), layerOf('gruAfter', 'b', 128, 128)],
  },
  'blocks, so that workers meet at every layer': {
    layers: [layerOf('lstm', 'a', 16, 256, 4), layerOf('gruBefore', 'b', 256, 128, 4)],
  },
};
// Several pieces, each of some tens of milliseconds: time enough for a thread to end.
const scene = sceneOf({ steps: 12_000, withState: true });

let threads: Worker[];
let stop: () => void;
let model: Model;
beforeEach(() => {
  ({ threads, stop } = watchThreads());
});
afterEach(() => {
  stop();
  model.dispose();
});

const died = { name: 'WorkerError', code: 'ERR_WORKER' };

describe.each(Object.keys(specs))('%s', (name) => {
  const spec = specs[name]!;
  const { tensors, x, options } = draw(spec, scene);

  test.each([
    ['as a run begins', false],
    ['in the middle of a run', true],
  ])('a worker that dies %s rejects it, and the next run is right', async (_, later) => {
    model = await createModel(spec, tensors, { threads: 2 });
    const session = model.session({ state: options.state! });
    const other = model.session();
    const before = session.snapshot();
    const y = session.step(x.subarray(0, 16)).slice();
    session.restore(before);
    const expected = await model.run(x, options);
    for (let round = 0; round < 3; round++) {
      // Hires a crew where the last one is gone, so that the newest threads are at work in the run.
      await model.run(x.subarray(0, 16));
      let ended: Promise<unknown> | undefined;
      const end = () => {
        ended ??= threads.at(-1 - (round % 2))!.terminate();
      };
      const others = other.snapshot();
      const endSoon = () => void setTimeout(end, 5);
      const run = session.run(x, { onProgress: later ? endSoon : () => {} });
      if (!later) setTimeout(end, 1);
      const outcome = await run.catch((error: unknown) => error as Error);
      await ended;
      if (later && !(outcome instanceof Error)) {
        // It ended between two pieces, and a new crew has done the rest.
        expectSameRun(outcome, expected);
        session.restore(before);
        continue;
      }
      expect(outcome).toMatchObject(died);
      expectSameState(session.snapshot(), before);
      // A step is done on this thread, with nobody else.
      expect(session.step(x.subarray(0, 16))).toEqual(y);
      session.restore(before);
      expectSameState(other.snapshot(), others);
      other.step(x.subarray(0, 16));
    }
    expectSameRun(await model.run(x, options), expected);
    expectSameRun(await session.run(x), expected);
  });
});

const [spec] = Object.values(specs) as [ModelSpec];
const { tensors, x, options } = draw(spec, { ...scene, steps: 100 });

test('all workers dead at once, again and again', async () => {
  model = await createModel(spec, tensors, { threads: 3 });
  const expected = await model.run(x, options);
  for (let round = 0; round < 3; round++) {
    await Promise.all(threads.map((thread) => thread.terminate()));
    expectSameRun(await model.run(x, options), expected);
  }
});

test('a worker that died at rest is replaced by the next run', async () => {
  model = await createModel(spec, tensors, { threads: 2 });
  const expected = await model.run(x, options);
  for (let round = 0; round < 3; round++) {
    await threads.at(-1)!.terminate();
    expectSameRun(await model.run(x, options), expected);
  }
});

test('one that dies while the next crew is being hired fails that run only', async () => {
  model = await createModel(spec, tensors, { threads: 2 });
  const expected = await model.run(x, options);
  const first = threads.length;
  await threads[0]!.terminate();
  const endNext = (thread: Worker) => {
    if (threads.length > first) {
      process.off('worker', endNext);
      thread.terminate();
    }
  };
  process.on('worker', endNext);
  const outcome = await model.run(x, options).then(
    (result) => result,
    (error: unknown) => error,
  );
  process.off('worker', endNext);
  // Whether the dead one was of the crew or a spare of the pool, the run was right or it failed.
  if (outcome instanceof Error) expect(outcome).toMatchObject(died);
  else expectSameRun(outcome as Awaited<ReturnType<Model['run']>>, expected);
  expectSameRun(await model.run(x, options), expected);
});
