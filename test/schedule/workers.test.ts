import { describe, expect, test } from 'vitest';
import { availableKernels, createModel } from '#dist/node.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import { draw, expectSameRun, sceneOf } from '../session/draw.js';
import { familyStructures, structures } from '../session/structures.js';

const all = { ...structures, ...familyStructures };

const batches: Record<string, Parameters<typeof sceneOf>[0]> = {
  'several pieces': { steps: 140, batch: 30 },
  'one stream': { steps: 50, withState: true },
  'streams of different lengths': {
    steps: 33,
    batch: 5,
    withState: true,
    lengths: Int32Array.of(33, 0, 17, 1, 32),
  },
  'two slices of streams': { steps: 65, batch: 67, withState: true },
};

// Law 5: results do not depend on the number of workers.
describe.each(availableKernels())('%s: any number of workers gives the same bytes', (kernels) => {
  test.each(Object.keys(all))('%s', async (name) => {
    const spec = all[name]!;
    const { tensors } = draw(spec, sceneOf());
    const runs = Object.values(batches).map((given) => draw(spec, sceneOf({ ...given, seed: 5 })));
    const expected = [];
    using solo = await createModel(spec, tensors, { kernels });
    for (const { x, options } of runs) expected.push(await solo.run(x, options));
    for (const threads of [2, 3, 5]) {
      using crew = await createModel(spec, tensors, { kernels, threads });
      for (const [k, { x, options }] of runs.entries())
        expectSameRun(await crew.run(x, options), expected[k]!);
    }
  });
});

test('the scenes above take several pieces', () => {
  for (const spec of Object.values(all)) {
    const { run } = planProgram(spec, 1, planGraph);
    expect(run.rows).toBeLessThan(140 * 30);
    expect(Math.floor(run.rows / run.batch)).toBeLessThan(65);
    expect(run.batch).toBeLessThan(67);
  }
});
