import type { ByteModel } from './writer.js';

const steps = 1024;
const times = 7;

/** Lets the page draw. */
const rest = () => new Promise<void>((resolve) => setTimeout(resolve, 30));

/** Random ids, T of them. */
export function drawIds(count: number): Int32Array {
  return Int32Array.from({ length: steps }, () => Math.floor(Math.random() * count));
}

/** Microseconds per step, best of several: one step after the other, on this thread. */
export async function measureSteps(model: ByteModel, ids: Int32Array): Promise<number> {
  const session = model.session();
  const frames = Array.from(ids, (id) => Int32Array.of(id));
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) {
    await rest();
    const start = performance.now();
    for (let t = 0; t < steps; t++) session.step(frames[t]);
    best = Math.min(best, performance.now() - start);
  }
  return (best / steps) * 1000;
}

/** Microseconds per step of whole runs, best of several, and what came out. */
export async function measureRuns(
  model: ByteModel,
  ids: Int32Array,
): Promise<{ microseconds: number; y: Float32Array }> {
  let best = Number.POSITIVE_INFINITY;
  const out = new Float32Array(steps * model.vocab.length);
  for (let time = 0; time < times; time++) {
    await rest();
    const start = performance.now();
    await model.run(ids, { out });
    best = Math.min(best, performance.now() - start);
  }
  return { microseconds: (best / steps) * 1000, y: out };
}
