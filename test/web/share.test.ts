import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { createModel, type ModelShare, type ModelSpec } from '#dist/node.js';
import { openShare } from '#dist/worklet.js';
import { draw, errorFrom, expectSameBytes, expectSameState, layerOf, sceneOf } from '../session/draw.js';

const specs: [string, ModelSpec][] = [
  [
    'floats',
    {
      layers: [
        layerOf('lstm', 'a', 5, 24, 3),
        layerOf('gruAfter', 'b', 24, 16),
        layerOf('gruBefore', 'c', 16, 12, 12),
        { kind: 'linear', name: 'd', inputSize: 12, outputSize: 7 },
      ],
    },
  ],
  [
    'ids',
    { layers: [{ kind: 'embedding', name: 'e', count: 11, size: 6 }, layerOf('elmanTanh', 'a', 6, 8, 2)] },
  ],
];

/** As it comes out on another thread's side. */
function posted(share: ModelShare): ModelShare {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(share);
  const { message } = receiveMessageOnPort(port2) as { message: ModelShare };
  port1.close();
  return message;
}

afterEach(() => {
  delete (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
});

describe.each([
  ['shared', undefined],
  ['copied', false],
])('a share, %s', (_, crossOriginIsolated) => {
  test.each(specs)('steps as the model does: %s', async (_, spec) => {
    const batch = 3;
    const { tensors, x } = draw(spec, sceneOf({ steps: 9, batch }));
    for (const threads of [1, 2]) {
      using model = await createModel(spec, tensors, { threads });
      // The model is in the middle of something.
      await model.run(x, { batch });
      if (crossOriginIsolated === false) Object.assign(globalThis, { crossOriginIsolated });
      const share = await model.share();
      delete (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
      expect(share.memory === undefined).toBe(crossOriginIsolated === false);
      const other = openShare(posted(share));
      expect([other.spec, other.kernels]).toEqual([model.spec, model.kernels]);
      const here = model.session({ batch });
      const there = other.session({ batch });
      const second = other.session({ batch });
      const width = x.length / 9;
      for (let t = 0; t < 9; t++) {
        const frame = x.subarray(t * width, (t + 1) * width);
        expectSameBytes(there.step(frame), here.step(frame));
        if (t % 2 === 0) second.step(frame);
      }
      expectSameState(there.snapshot(), here.snapshot());
      expect(await errorFrom(there.run(x))).toMatchObject({ code: 'ERR_UNSUPPORTED' });
    }
  });
});

describe('a share', () => {
  const [, spec] = specs[0]!;
  const { tensors, x } = draw(spec, sceneOf());

  test('is small, and outlives its model', async () => {
    const model = await createModel(spec, tensors);
    const share = await model.share();
    expect(share.memory!.buffer.byteLength).toBeLessThan(model.bytes / 4);
    model.dispose();
    expect(openShare(share).session().step(x).length).toBe(7);
    expect(await errorFrom(model.share())).toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('with a memory is opened once; bytes are opened as often as one likes', async () => {
    using model = await createModel(spec, tensors);
    const share = await model.share();
    openShare(share);
    expect(() => openShare(posted(share))).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
    Object.assign(globalThis, { crossOriginIsolated: false });
    const bytes = await model.share();
    const [first, second] = [openShare(bytes).session(), openShare(bytes).session()];
    first.step(x);
    second.step(x);
    expectSameState(first.snapshot(), second.snapshot());
  });

  test('what is none is a TypeError', async () => {
    using model = await createModel(spec, tensors);
    const share = await model.share();
    const whole = { ...share, memory: undefined, weights: undefined };
    for (const wrong of [undefined, 3, {}, { ...share, module: {} }, whole, { ...whole, memory: {} }])
      expect(() => openShare(wrong as never)).toThrow(TypeError);
    expect(await errorFrom(model.share({ signal: AbortSignal.abort() }))).toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});
