import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { decodeDreamer } from '#dist/formats/layouts/dreamerv3.js';
import type { Tensors } from '#dist/model/tensors.js';
import { availableKernels, createModel } from '#dist/node.js';
import { followOracle } from '../../oracle/follow.js';
import { runOracle } from '../../oracle/model.js';
import { randomValues } from '../../oracle/random.js';

import { expectSameBytes, expectSameRun } from '../../session/draw.js';
import { type CoreSizes, drawCore, runCore } from './dreamer-core.js';

const cores: [string, CoreSizes][] = [1, 4, 8].flatMap((blocks) =>
  [1, 2].map((layers): [string, CoreSizes] => [
    `${blocks} blocks, ${layers} hidden`,
    { blocks, layers, deter: 24, hidden: 7, stoch: 10, action: 3 },
  ]),
);

/** Rows [T, B, stoch + action + 1] of episodes that begin anew at different times; actions beyond ±1. */
function drawRows({ stoch, action }: CoreSizes, steps: number, batch: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const width = stoch + action + 1;
  const rows = randomValues(random, steps * batch * width, 1);
  for (const i of rows.keys()) {
    const [t, b, k] = [Math.floor(i / (batch * width)), Math.floor(i / width) % batch, i % width];
    if (k === width - 1) rows[i] = t === 0 || t === 4 + b ? 1 : 0;
    else if (k >= stoch) rows[i]! *= 2;
  }
  return rows;
}

/** What the equations make of each stream: [T, B, deter]. */
function expectedOf(params: Tensors, sizes: CoreSizes, x: Float32Array, batch: number): number[] {
  const width = sizes.stoch + sizes.action + 1;
  const rows = Array.from({ length: x.length / width }, (_, k) => [
    ...x.subarray(k * width, (k + 1) * width),
  ]);
  const streams = Array.from({ length: batch }, (_, b) =>
    runCore(
      params,
      sizes,
      rows.filter((_, k) => k % batch === b),
    ),
  );
  return rows.flatMap((_, k) => streams[k % batch]![Math.floor(k / batch)]!);
}

describe.each(availableKernels())('%s', (kernels) => {
  test.each(cores)(
    '%s: a run of the core is its equations, step by step and with threads',
    async (_, sizes) => {
      const [steps, batch] = [9, 3];
      const params = drawCore(seededRandom(sizes.blocks), sizes);
      const x = drawRows(sizes, steps, batch, sizes.layers);
      const { spec, tensors } = decodeDreamer(params);
      const expected = expectedOf(params, sizes, x, batch);
      // What the spec means is what the equations say: the same to the last bits of f64.
      const { y: meant } = runOracle(spec, tensors, x, { steps, batch });
      expect(Math.max(...meant.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-14);
      using model = await createModel(spec, tensors, { kernels });
      const whole = await model.run(x, { batch });
      // A bound over many steps grows with each; step by step, from the model's own states, it is derived and narrow.
      const step = async (frame: Float32Array, state: typeof whole.state | undefined) =>
        model.run(frame, { batch, ...(state === undefined ? {} : { state }) });
      expect(await followOracle(spec, tensors, x, { steps, batch }, step)).toBeNull();
      // Episodes begin anew and gates forget, so that rounding of some steps stays that of a few.
      for (const [i, value] of whole.y.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6);
      const session = model.session({ batch });
      const width = x.length / steps;
      for (let t = 0; t < steps; t++) {
        const y = session.step(x.slice(t * width, (t + 1) * width));
        expectSameBytes(y, whole.y.subarray(t * y.length, (t + 1) * y.length), `step ${t}: `);
      }
      for (const threads of [2, 3]) {
        using crew = await createModel(spec, tensors, { kernels, threads });
        expectSameRun(await crew.run(x, { batch }), whole);
      }
    },
  );
});
