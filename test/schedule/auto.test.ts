import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createModel, type ModelSpec } from '#dist/node.js';
import { draw, expectSameRun, layerOf, sceneOf } from '../session/draw.js';
import { structures } from '../session/structures.js';
import { watchThreads } from './threads.js';

let threads: Worker[];
let stop: () => void;
beforeEach(() => {
  ({ threads, stop } = watchThreads());
});
afterEach(() => stop());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a long run gives the same bytes before the crew comes, while both ways are tried, and after', async () => {
  const { tensors, x, options } = draw(
    structures.mixed!,
    sceneOf({ steps: 700, batch: 8, withState: true, lengths: Int32Array.of(700, 0, 1, 699, 700, 5, 6, 7) }),
  );
  using solo = await createModel(structures.mixed!, tensors);
  using auto = await createModel(structures.mixed!, tensors, { threads: 'auto' });
  const expected = await solo.run(x, options);
  expect(threads.length).toBe(0);
  for (let i = 0; i < 5; i++) expectSameRun(await auto.run(x, options), expected);
  // The crew is hired beside the runs; wait for it and let it have its trials.
  if (auto.threads > 1) {
    for (let i = 0; i < 500 && threads.length < auto.threads; i++) await pause(10);
    await pause(300);
    expect(threads.length).toBe(auto.threads);
  }
  for (let i = 0; i < 12; i++) expectSameRun(await auto.run(x, options), expected);
  expect(threads.length).toBe(auto.threads > 1 ? auto.threads : 0);
});

test('a worker that has died does not stop it', async () => {
  const { tensors, x, options } = draw(structures.dense!, sceneOf({ steps: 400, batch: 8 }));
  using solo = await createModel(structures.dense!, tensors);
  using auto = await createModel(structures.dense!, tensors, { threads: 'auto' });
  const expected = await solo.run(x, options);
  for (let i = 0; i < 5; i++) await auto.run(x, options);
  await pause(500);
  for (let round = 0; round < 2; round++) {
    await threads.at(-1)?.terminate();
    for (let i = 0; i < 8; i++) expectSameRun(await auto.run(x, options), expected);
  }
});

test('a small model never hires anyone', async () => {
  const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 4, 8, 2)] };
  const { tensors, x, options } = draw(spec, sceneOf({ steps: 10 }));
  // Not even where a first run is slow, in code that is not compiled yet or on a busy machine.
  for (let round = 0; round < 50; round++) {
    using auto = await createModel(spec, tensors, { threads: 'auto' });
    for (let i = 0; i < 20; i++) await auto.run(x, options);
  }
  await pause(100);
  expect(threads.length).toBe(0);
});
