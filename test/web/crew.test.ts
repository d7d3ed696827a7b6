import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { createModel, type ModelSpec } from '#dist/node.js';
import { draw, errorFrom, expectSameRun, layerOf, sceneOf } from '../session/draw.js';
import { startWebWorker } from './web-worker.js';

// One dense layer, whose workers meet after each step, between two of blocks.
const spec: ModelSpec = {
  layers: [layerOf('lstm', 'a', 6, 48, 4), layerOf('gruAfter', 'b', 48, 32), layerOf('lstm', 'c', 32, 24, 3)],
};
const { tensors, x, options } = draw(spec, sceneOf({ steps: 60, batch: 2 }));

/** Throws at the second of the meetings of a piece. */
const dies = `let seen = 0; const { add } = Atomics;
  Atomics.add = (...args) => { if (++seen > 5) throw new Error('a fault'); return add(...args); };`;

const workers: ReturnType<typeof startWebWorker>[] = [];

function start(before = '') {
  const worker = startWebWorker(before);
  workers.push(worker);
  return worker;
}

afterEach(async () => {
  await Promise.all(workers.splice(0).map(({ thread }) => thread.terminate()));
});

async function single() {
  using model = await createModel(spec, tensors, { kernels: 'simd' });
  return await model.run(x, options);
}

describe('a crew of web workers', () => {
  test.each([2, 3])('%i workers give the bytes of one thread', async (threads) => {
    using model = await createModel(spec, tensors, { kernels: 'simd', threads, createWorker: () => start() });
    expect(workers.length).toBe(threads);
    for (let i = 0; i < 5; i++) expectSameRun(await model.run(x, options), await single());
  });

  test('without Atomics.waitAsync the last worker tells', async () => {
    const { waitAsync } = Atomics;
    delete (Atomics as { waitAsync?: unknown }).waitAsync;
    try {
      using model = await createModel(spec, tensors, {
        kernels: 'simd',
        threads: 2,
        createWorker: () => start(),
      });
      for (let i = 0; i < 20; i++) expectSameRun(await model.run(x, options), await single());
      const running = errorFrom(model.run(x, options));
      model.dispose();
      expect(await running).toMatchObject({ code: 'ERR_DISPOSED' });
    } finally {
      Atomics.waitAsync = waitAsync;
    }
  });

  test('leaves, and its threads end, when the model is disposed of: at rest and in a run', async () => {
    for (const busy of [false, true]) {
      const model = await createModel(spec, tensors, { threads: 2, createWorker: () => start() });
      const exits = workers.splice(0).map(({ thread }) => once(thread, 'exit'));
      const run = busy ? errorFrom(model.run(x, options)) : undefined;
      const begin = performance.now();
      model.dispose();
      await Promise.all(exits);
      expect(performance.now() - begin).toBeLessThan(1500);
      if (run !== undefined) expect(await run).toMatchObject({ code: 'ERR_DISPOSED' });
    }
  });

  test('a worker that throws fails the run; the next has a new crew, and the survivor is gone', async () => {
    let hired = 0;
    using model = await createModel(spec, tensors, {
      kernels: 'simd',
      threads: 2,
      createWorker: () => start(hired++ === 0 ? dies : ''),
    });
    const exits = workers.map(({ thread }) => once(thread, 'exit').catch(() => {}));
    const error = await errorFrom(model.run(x, options));
    expect(error).toMatchObject({ name: 'WorkerError', code: 'ERR_WORKER', cause: { message: 'a fault' } });
    await Promise.all(exits);
    for (let i = 0; i < 5; i++) expectSameRun(await model.run(x, options), await single());
    expect(hired).toBe(4);
  });

  test('a script that cannot be started is an error that names createWorker, and no thread stays', async () => {
    let hired = 0;
    const createWorker = () => start(hired++ === 1 ? 'throw new Error("no such script");' : '');
    const error = await errorFrom(createModel(spec, tensors, { threads: 2, createWorker }));
    expect(error).toMatchObject({ code: 'ERR_WORKER', cause: { message: 'no such script' } });
    expect(error.message).toContain('createWorker');
    await Promise.all(workers.map(({ thread }) => thread.threadId < 0 || once(thread, 'exit')));
  });

  test('a signal ends the wait for workers that never come', async () => {
    const silent = { postMessage() {}, terminate() {}, addEventListener() {} };
    const signal = AbortSignal.timeout(50);
    const opening = createModel(spec, tensors, { threads: 2, createWorker: () => silent, signal });
    expect(await errorFrom(opening)).toMatchObject({ code: 'ERR_ABORTED' });
  });

  test.each([
    ['no function', 3],
    ['what gives nothing', () => undefined],
    ['what gives a thread of Node', () => ({ postMessage() {}, terminate() {}, on() {} })],
  ])('createWorker: %s', async (_, createWorker) => {
    const error = await errorFrom(createModel(spec, tensors, { threads: 2, createWorker } as never));
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_ARGUMENT_TYPE' });
  });
});
