import { expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { checkSpec } from '#dist/model/check.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { checkTrainerOptions } from '#dist/train/options.js';
import { planTraining } from '#dist/train/plan/plan.js';
import { type Batch, createTrainer } from '#dist/train-node.js';
import { UNIT_ROUNDOFF } from '../oracle/tolerance.js';
import { layerOf } from '../session/draw.js';
import { expectSameTensors, optionsOf } from './trained.js';

const vocabulary = 40_000;
const [steps, batch] = [50, 5];
const specOf = (blocks: number): ModelSpec => ({
  layers: [
    { kind: 'embedding', name: 'e', count: vocabulary, size: 4 },
    layerOf('gruAfter', 'rnn', 4, 6, 2),
    { kind: 'linear', name: 'out', inputSize: 6, outputSize: vocabulary, blocks },
  ],
});
const options = optionsOf({ capacity: { steps, batch }, seed: 5 });
const random = seededRandom(3);
const ids = (count: number) => Int32Array.from({ length: count }, () => Math.floor(random() * vocabulary));
const x = ids(steps * batch);
const targets = ids(steps * batch);
const whole: Batch = { x, targets, steps, batch };

/** Targets of steps [from, to) alone, so that the rest of the batch is the same and its gradient is another. */
const only = (from: number, to: number): Batch => ({
  ...whole,
  targets: targets.map((target, row) => (row >= from * batch && row < to * batch ? target : -1)),
});

test.each([1, 2])(
  'the softmax of a large vocabulary goes in slices, and gives what parts of it give: %i blocks',
  async (blocks) => {
    const spec = specOf(blocks);
    const { seed: _, ...sizes } = checkTrainerOptions(options);
    const { head } = planTraining(checkSpec(spec), { ...sizes, workers: 1 });
    // Two whole slices and a part, of which none ends where a part below does.
    const slices = head.rows / head.slice;
    expect(slices).toBeGreaterThan(2);
    expect(slices % 1).toBeGreaterThan(0);

    const trainer = await createTrainer(spec, options);
    const { loss, hits, count } = await trainer.evaluate(whole);
    const sum = await trainer.gradients(whole);
    const parts = [only(0, 7), only(7, 31), only(31, 50)];
    const expected = Object.fromEntries(
      Object.entries(sum).map(([name, { data }]) => [name, new Float64Array(data.length)]),
    );
    const size = Object.fromEntries(Object.entries(expected).map(([name, data]) => [name, data.slice()]));
    const total = { nats: 0, hits: 0, count: 0 };
    for (const part of parts) {
      const score = await trainer.evaluate(part);
      total.nats += score.loss * score.count;
      total.hits += score.hits;
      total.count += score.count;
      for (const [name, { data }] of Object.entries(await trainer.gradients(part))) {
        for (const [i, g] of data.entries()) {
          expected[name]![i]! += (g * score.count) / count;
          size[name]![i]! += Math.abs((g * score.count) / count);
        }
      }
    }
    expect(total.count).toBe(count);
    expect(total.hits).toBe(hits);
    expect(Math.abs(loss - total.nats / count)).toBeLessThan(1e-9);
    for (const [name, { data }] of Object.entries(sum)) {
      // Sums of 250 rows in another grouping, each row off by some roundings, and these through 50 steps of time.
      const most = size[name]!.reduce((a, b) => Math.max(a, b), 0);
      expect(most).toBeGreaterThan(0);
      let worst = 0;
      for (const [i, g] of data.entries()) worst = Math.max(worst, Math.abs(g - expected[name]![i]!));
      expect(worst / most, name).toBeLessThan(1000 * UNIT_ROUNDOFF);
    }
    trainer.dispose();
  },
);

test.each([1, 2])(
  'rows of later slices meet their own inputs and their own gradients: %i blocks',
  async (blocks) => {
    const spec = specOf(blocks);
    const trainer = await createTrainer(spec, options);
    // The last steps lie across two slices of the whole batch; alone, going on from the state before, in one.
    const from = 31;
    const expected = await trainer.gradients(only(from, steps));
    const cut = from * batch;
    await trainer.step({ x: x.slice(0, cut), targets: targets.slice(0, cut), steps: from, batch }, 0);
    const rest = { x: x.slice(cut), targets: targets.slice(cut), steps: steps - from, batch, carry: true };
    const found = await trainer.gradients(rest);
    for (const name of ['out.weight', 'out.bias']) {
      const [a, b] = [found[name]!.data, expected[name]!.data];
      const most = b.reduce((size, g) => Math.max(size, Math.abs(g)), 0);
      // The same numbers, added up in two goes.
      for (let i = 0; i < b.length; i++)
        if (!(Math.abs(a[i]! - b[i]!) <= 100 * UNIT_ROUNDOFF * most))
          expect.fail(`${name}[${i}]: ${a[i]}, ${b[i]}`);
    }
    // Gradients end where a batch begins, so that of the input's they are the same for ids that only the last steps read.
    const [a, b] = [found['e.weight']!.data, expected['e.weight']!.data];
    const most = b.reduce((size, g) => Math.max(size, Math.abs(g)), 0);
    const early = new Set(x.subarray(0, cut));
    const late = [...x.subarray(cut)].filter((id) => !early.has(id));
    expect(late.length).toBeGreaterThan(50);
    for (const id of late)
      for (let i = id * 4; i < id * 4 + 4; i++)
        expect(Math.abs(a[i]! - b[i]!)).toBeLessThanOrEqual(100 * UNIT_ROUNDOFF * most);
    trainer.dispose();
  },
);

test.each([1, 2])(
  'slices that threads share out in different ways are not in each other’s way: %i blocks',
  async (blocks) => {
    const spec = specOf(blocks);
    const alone = await createTrainer(spec, options);
    const shared = await createTrainer(spec, { ...options, threads: 2 });
    for (let round = 0; round < 2; round++)
      expect(await shared.evaluate(whole)).toEqual(await alone.evaluate(whole));
    expectSameTensors(await shared.gradients(whole), await alone.gradients(whole));
    alone.dispose();
    shared.dispose();
  },
);
