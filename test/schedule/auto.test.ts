import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createModel, type Model } from '#dist/node.js';
import { scheduleAuto } from '#dist/schedule/auto.js';
import { draw, expectSameRun, sceneOf } from '../session/draw.js';
import { structures } from '../session/structures.js';
import { runScript } from './script.js';
import { watchThreads } from './threads.js';

let threads: Worker[];
let stop: () => void;
beforeEach(() => {
  ({ threads, stop } = watchThreads());
});
afterEach(() => {
  stop();
  vi.restoreAllMocks();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs on one thread until the crew, which is hired beside them, is there and at its posts. */
async function untilHired({ threads: count }: Model, run: () => Promise<unknown>): Promise<void> {
  if (count === 1) return;
  for (let i = 0; i < 200 && threads.length < count; i++) {
    await run();
    await pause(1);
  }
  expect(threads.length).toBe(count);
  await pause(500);
}

test('a long run gives the same bytes before the crew comes, while both ways are tried, and after', async () => {
  const { tensors, x, options } = draw(
    structures.mixed!,
    sceneOf({ steps: 700, batch: 8, withState: true, lengths: Int32Array.of(700, 0, 1, 699, 700, 5, 6, 7) }),
  );
  using solo = await createModel(structures.mixed!, tensors);
  using auto = await createModel(structures.mixed!, tensors, { threads: 'auto' });
  const expected = await solo.run(x, options);
  expect(threads.length).toBe(0);
  await untilHired(auto, async () => expectSameRun(await auto.run(x, options), expected));
  for (let i = 0; i < 30; i++) expectSameRun(await auto.run(x, options), expected);
  expect(threads.length).toBe(auto.threads > 1 ? auto.threads : 0);
});

test('a worker that has died does not stop it', async () => {
  const { tensors, x, options } = draw(structures.dense!, sceneOf({ steps: 400, batch: 8 }));
  using solo = await createModel(structures.dense!, tensors);
  using auto = await createModel(structures.dense!, tensors, { threads: 'auto' });
  const expected = await solo.run(x, options);
  await untilHired(auto, () => auto.run(x, options));
  for (let round = 0; round < 2; round++) {
    await threads.at(-1)?.terminate();
    for (let i = 0; i < 8; i++) expectSameRun(await auto.run(x, options), expected);
  }
});

test('a crew that is slower by far is tried three times, and not again', async () => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const calls = { solo: 0, crew: 0 };
  const way = (name: keyof typeof calls, ms: number) => ({
    threads: 2,
    run: () => {
      calls[name]++;
      now += ms;
    },
    hire: async () => {},
    dispose: () => {},
  });
  const auto = scheduleAuto(way('solo', 11), way('crew', 110));
  const piece = { stage: 0, steps: 8, batch: 1, row: 0, t0: 0, ragged: false, masked: false };
  for (let i = 0; i < 80; i++) await auto.run(piece);
  expect(calls).toEqual({ solo: 77, crew: 3 });
});

// In a process of its own: there the first runs are slow, in code that the engine has not compiled yet.
test('a small model never hires anyone', async () => {
  const { stdout, stderr } = await runScript(
    `
    let threads = 0;
    process.on('worker', () => threads++);
    const model = await createModel(spec, tensors, { threads: 'auto' });
    for (let i = 0; i < 100; i++) {
      await model.run(x.subarray(0, 40));
      await new Promise((resolve) => setTimeout(resolve, i < 10 ? 20 : 0));
    }
    console.log(threads);`,
    8,
  );
  expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' });
});
