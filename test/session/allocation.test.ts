import { describe, expect, test } from 'vitest';
import { availableKernels, createModel, type ModelSpec } from '#dist/node.js';
import { withStrips } from '../oracle/strips.js';
import { draw, layerOf, sceneOf } from './draw.js';

const recurrent = [
  layerOf('lstm', 'a', 6, 24, 3),
  layerOf('gruAfter', 'b', 24, 16),
  layerOf('gruBefore', 'c', 16, 20, 4),
  layerOf('elmanTanh', 'd', 20, 20, 20),
];
const rest = [
  { kind: 'linear', name: 'e', inputSize: 20, outputSize: 7 },
  { kind: 'activation', name: 'f', activation: 'softmax' },
] as const;
const specs: Record<string, ModelSpec> = {
  floats: { layers: [...recurrent, ...rest] },
  ids: { layers: [{ kind: 'embedding', name: 'z', count: 9, size: 6 }, ...recurrent, ...rest] },
};

/** The same with strips in place of the dense weights of two cells. */
function drawModel(name: string, batch: number) {
  const plain = specs[name.startsWith('ids') ? 'ids' : 'floats']!;
  const { tensors, x } = draw(plain, sceneOf({ batch }));
  const made = name.endsWith('strips')
    ? withStrips(1, plain, tensors, '8x4', 0.3, true)
    : { spec: plain, tensors };
  return { ...made, x };
}

const steps = 10_000;
/** The smallest object takes 16 bytes and more, so one in each step would show as at least this. */
const oneObjectEach = 16 * steps;

const parts = 20;

/**
 * Bytes that so many calls of `work` allocate, kept or not, and some noise. They are added up over short parts: a
 * collection in the midst of heavy allocation hides one of them at most.
 */
function allocatedBy(work: (i: number) => void, calls: number): number {
  gc!();
  let bytes = 0;
  for (let part = 0; part < parts; part++) {
    const before = process.memoryUsage();
    for (let i = 0; i < calls / parts; i++) work(i);
    const after = process.memoryUsage();
    bytes +=
      Math.max(0, after.heapUsed - before.heapUsed) + Math.max(0, after.arrayBuffers - before.arrayBuffers);
  }
  return bytes;
}

/** The least of several trials after a warm-up: what else the process does can only add. */
function leastAllocatedBy(work: (i: number) => void, calls = steps): number {
  allocatedBy(work, calls);
  return Math.min(...Array.from({ length: 3 }, () => allocatedBy(work, calls)));
}

describe.each(availableKernels())('%s', (kernels) => {
  test.each([
    ['floats', 1],
    ['floats', 4],
    ['ids', 1],
    ['ids', 4],
    ['ids and strips', 1],
    ['ids and strips', 4],
  ])('10,000 steps allocate nothing: %s, %i streams', async (name, batch) => {
    const { spec, tensors, x } = drawModel(name, batch);
    using model = await createModel(spec, tensors, { kernels });
    const session = model.session({ batch });
    const out = new Float32Array(batch * 7);
    const allocated = leastAllocatedBy(() => session.step(x, out));
    expect(allocated).toBeLessThan(oneObjectEach / 4);
    const own = leastAllocatedBy(() => session.step(x));
    expect(own).toBeLessThan(oneObjectEach / 4);
  });

  test.each([1, 4])('neither do steps in which blocks are skipped: %i streams', async (batch) => {
    const { spec, tensors, x } = drawModel('floats', batch);
    using model = await createModel(spec, tensors, { kernels });
    const session = model.session({ batch });
    const [blocks, units] = [session.updates('a'), session.updates('d')];
    const allocated = leastAllocatedBy((i) => {
      blocks[i % 3]! ^= 1;
      units[i % 20]! ^= 1;
      session.step(x);
    });
    expect(allocated).toBeLessThan(oneObjectEach / 4);
  });

  test('sessions that take turns, and one of many streams, allocate nothing either', async () => {
    const spec = specs.floats!;
    const { tensors, x } = draw(spec, sceneOf({ batch: 70 }));
    using model = await createModel(spec, tensors, { kernels });
    const two = [model.session(), model.session()] as const;
    const frame = x.subarray(0, 6);
    const turns = leastAllocatedBy((i) => two[i & 1]!.step(frame));
    expect(turns).toBeLessThan(oneObjectEach / 4);
    const many = model.session({ batch: 70 });
    const wide = leastAllocatedBy(() => many.step(x), 1000);
    expect(wide).toBeLessThan(oneObjectEach / 8);
  });
});

test('one small array in each step would be seen', async () => {
  const spec = specs.floats!;
  const { tensors, x } = draw(spec, sceneOf());
  using model = await createModel(spec, tensors);
  const session = model.session();
  const kept: unknown[] = new Array(8);
  const allocated = leastAllocatedBy((i) => {
    session.step(x);
    kept[i & 7] = [i];
  });
  expect(allocated).toBeGreaterThan(oneObjectEach);
});
