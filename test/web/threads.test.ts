import { afterEach, expect, test, vi } from 'vitest';
import { createModel, type ModelSpec } from '#dist/index.js';
import { draw, errorFrom, layerOf, sceneOf } from '../session/draw.js';

const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 3, 8, 2)] };
const { tensors, x } = draw(spec, sceneOf({ steps: 4 }));

afterEach(() => {
  delete (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  vi.restoreAllMocks();
});

test('a page that is not isolated has one thread, and is told so once', async () => {
  Object.assign(globalThis, { crossOriginIsolated: false });
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const createWorker = () => expect.fail('a worker was asked for');
  for (const threads of [1, 2, 'auto', 64] as const) {
    using model = await createModel(spec, tensors, { threads, createWorker });
    expect(model.threads).toBe(1);
    expect((await model.run(x)).y.length).toBe(32);
  }
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0]![0]).toMatch(/Cross-Origin-Opener-Policy.*Cross-Origin-Embedder-Policy/);
  expect(await errorFrom(createModel(spec, tensors, { threads: 65 }))).toMatchObject({
    code: 'ERR_ARGUMENT_RANGE',
  });
});
