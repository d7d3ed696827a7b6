import { beforeAll, describe, expect, test } from 'vitest';
import { createModel, type Model, type ModelSpec } from '#dist/node.js';
import { draw, errorFrom, expectSameBytes, layerOf, sceneOf } from '../session/draw.js';

const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 3, 8, 2)] };
const steps = 5;
const { tensors, x: drawn } = draw(spec, sceneOf({ steps }));
const x = drawn as Float32Array;
const frames = Array.from({ length: steps }, (_, t) => x.subarray(t * 3, (t + 1) * 3));
let model: Model;
let y: Float32Array[];

beforeAll(async () => {
  model = await createModel(spec, tensors);
  const whole = (await model.run(x)).y;
  y = frames.map((_, t) => whole.subarray(t * 8, (t + 1) * 8));
  return () => model.dispose();
});

async function* slowly() {
  for (const frame of frames) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield frame;
  }
}

function expectOutputs(outputs: Float32Array[]): void {
  expect(outputs.length).toBe(steps);
  for (const [t, output] of outputs.entries()) expectSameBytes(output, y[t]!);
}

describe('stream', () => {
  test.each([
    ['an array', () => frames],
    ['a generator', () => slowly()],
    [
      'a ReadableStream',
      () =>
        new Blob([])
          .stream()
          .pipeThrough(new TransformStream({ flush: (c) => frames.forEach((f) => void c.enqueue(f)) })),
    ],
  ])('of %s: a fresh y for each frame', async (_, source) => {
    const outputs: Float32Array[] = [];
    for await (const output of model.session().stream(source() as AsyncIterable<Float32Array>))
      outputs.push(output);
    expectOutputs(outputs);
  });

  test('steps when it is asked, no sooner', async () => {
    const session = model.session();
    const stream = session.stream(frames);
    expect(session.snapshot()[0]!.h.every((value) => value === 0)).toBe(true);
    await stream.next();
    const { h } = session.snapshot()[0]!;
    expectSameBytes(h, y[0]!);
    await stream.return();
    expect((await stream.next()).done).toBe(true);
    expectSameBytes(session.step(frames[1]!), y[1]!);
  });

  test('leaving it, a wrong frame and an abort end the source', async () => {
    let ended = 0;
    async function* source(): AsyncGenerator<Float32Array> {
      try {
        for (;;) yield frames[0]!;
      } finally {
        ended++;
      }
    }
    for await (const output of model.session().stream(source())) {
      expect(output.length).toBe(8);
      break;
    }
    expect(ended).toBe(1);
    async function* wrong() {
      try {
        yield new Float32Array(2);
      } finally {
        ended++;
      }
    }
    expect(await errorFrom(model.session().stream(wrong()).next())).toMatchObject({ name: 'RangeError' });
    expect(ended).toBe(2);
    const controller = new AbortController();
    const stream = model.session().stream(source(), { signal: controller.signal });
    await stream.next();
    controller.abort('enough');
    expect(await errorFrom(stream.next())).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
    expect(ended).toBe(3);
  });

  test('an abort ends the wait for a frame that never comes', async () => {
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const stream = model.session().stream(never, { signal: AbortSignal.timeout(20) });
    expect(await errorFrom(stream.next())).toMatchObject({ code: 'ERR_ABORTED' });
  });

  test('what is no source is said at once', () => {
    for (const wrong of [x, undefined, 3, 'frames', {}])
      expect(() => model.session().stream(wrong as never)).toThrow(TypeError);
    expect(() => model.session().stream(frames, { signal: {} as never })).toThrow(TypeError);
    expect(() => model.session().stream(frames, { signal: AbortSignal.abort() })).toThrow(
      expect.objectContaining({ code: 'ERR_ABORTED' }),
    );
  });
});

describe('transform', () => {
  const readable = (source: Float32Array[]) =>
    new ReadableStream<Float32Array>({
      start(controller) {
        for (const frame of source) controller.enqueue(frame);
        controller.close();
      },
    });

  test('is a TransformStream of frames', async () => {
    const outputs: Float32Array[] = [];
    await readable(frames)
      .pipeThrough(model.session().transform())
      .pipeTo(new WritableStream({ write: (output) => void outputs.push(output) }));
    expectOutputs(outputs);
  });

  test('a wrong frame errors both sides', async () => {
    const stream = readable([new Float32Array(2)]).pipeThrough(model.session().transform());
    expect(await errorFrom(stream.getReader().read())).toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
  });
});
