import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createModel, type Model, type ModelSpec } from '#dist/node.js';
import { draw, errorFrom, layerOf, sceneOf } from './draw.js';

const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 4, 96)] };
const { tensors, x, options } = draw(spec, sceneOf({ steps: 4000, batch: 16 }));
const disposed = { name: 'TypeError', code: 'ERR_DISPOSED' };

describe.each([1, 2, 'auto'] as const)('threads: %s', (threads) => {
  let model: Model;
  beforeEach(async () => {
    model = await createModel(spec, tensors, { threads });
  });
  afterEach(() => model.dispose());

  test('every call after it is refused, except another one', async () => {
    const session = model.session();
    const saved = session.snapshot();
    await model.run(x, options);
    model.dispose();
    model.dispose();
    const frame = x.subarray(0, 4);
    expect(await errorFrom(model.run(x, options))).toMatchObject(disposed);
    expect(await errorFrom(session.run(x))).toMatchObject(disposed);
    for (const call of [
      () => model.session(),
      () => session.step(frame),
      () => session.reset(),
      () => session.reset(0),
      () => session.snapshot(),
      () => session.restore(saved),
    ]) {
      expect(call).toThrow(expect.objectContaining(disposed));
      expect(call).toThrow(TypeError);
    }
  });

  test('a run in progress is rejected', async () => {
    const session = model.session({ batch: 16 });
    const run = session.run(x);
    setTimeout(() => model.dispose(), 10);
    expect(await errorFrom(run)).toMatchObject(disposed);
  });

  test('a run that has just begun is rejected', async () => {
    const run = model.run(x, options);
    model.dispose();
    expect(await errorFrom(run)).toMatchObject(disposed);
  });

  test('a run is rejected that disposes of its own model', async () => {
    expect(await errorFrom(model.run(x, { ...options, onProgress: () => model.dispose() }))).toMatchObject(
      disposed,
    );
  });

  test('Symbol.dispose does the same', async () => {
    let kept: Model;
    {
      using mine = await createModel(spec, tensors, { threads });
      await mine.run(x, options);
      kept = mine;
    }
    expect(await errorFrom(kept.run(x, options))).toMatchObject(disposed);
  });
});
