import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WorkerError } from '#dist/base/errors.js';
import { createArena } from '#dist/memory/arena.js';
import { checkSpec } from '#dist/model/check.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { placeTable } from '#dist/pack/table.js';
import { scheduleSolo } from '#dist/schedule/solo.js';
import { checkTrainerOptions } from '#dist/train/options.js';
import { bindTraining } from '#dist/train/passes/engine.js';
import { planTraining } from '#dist/train/plan/plan.js';
import { Trainer as MadeTrainer } from '#dist/train/trainer.js';
import { type Batch, createTrainer, initTensors, type Trainer } from '#dist/train-node.js';
import { instantiate } from '#dist/wasm/instance.js';
import { loadTrainBinary } from '#dist/wasm/train-binaries.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import { watchThreads } from '../schedule/threads.js';
import { errorFrom, layerOf } from '../session/draw.js';
import { modelOf, randomBatch } from './batches.js';
import { trainKinds } from './cells.js';
import { batchOf, expectRefusal, expectSameTensors, optionsOf } from './trained.js';

const diverged = { name: 'DivergedError', code: 'ERR_DIVERGED' };
const adam = optionsOf({ optimizer: { kind: 'adam' } });

function drawBatch(spec: ModelSpec, steps: number, batch: number, seed = 1): Batch {
  const drawn = batchOf(randomBatch(spec, { kind: 'steps' }, { steps, batch, seed }));
  (drawn.targets as Int32Array)[0] = 0;
  return drawn;
}

describe('what is not finite', () => {
  test.each(trainKinds)('%s: a NaN fails its step, and leaves nothing behind', async (kind) => {
    for (const [hiddenSize, blocks] of [
      [5, 1],
      [6, 2],
      [37, 37],
    ] as const) {
      const spec = modelOf(kind, { hiddenSize, blocks });
      const [trainer, other] = [await createTrainer(spec, adam), await createTrainer(spec, adam)];
      const good = drawBatch(spec, 3, 5);
      for (const one of [trainer, other]) await one.step(good, 0.01);
      const bad = drawBatch(spec, 7, 2, 3);
      bad.x.fill(Number.NaN, 1);
      await expectRefusal(trainer, () => trainer.step(bad, 0.01), diverged, /^step 2 /);
      expect((await trainer.evaluate(bad)).loss).toBeNaN();
      // Other sizes: rows that held a NaN are now padding, states and ends of parts.
      for (const batch of [drawBatch(spec, 2, 4, 5), good, drawBatch(spec, 12, 1, 6)]) {
        expect(await trainer.step({ ...batch, carry: true }, 0.01)).toEqual(
          await other.step({ ...batch, carry: true }, 0.01),
        );
      }
      expectSameTensors(trainer.save().tensors, other.save().tensors);
      trainer.dispose();
      other.dispose();
    }
  });

  test('an infinite loss of a finite gradient changes nothing either', async () => {
    const spec: ModelSpec = { layers: [{ kind: 'linear', name: 'out', inputSize: 1, outputSize: 2 }] };
    const tensors = {
      'out.weight': { shape: [2, 1], data: Float32Array.of(-100, 1) },
      'out.bias': { shape: [2], data: new Float32Array(2) },
    };
    const trainer = await createTrainer(spec, { ...adam, tensors });
    const batch = { x: Float32Array.of(1e37), steps: 1, batch: 1, targets: Int32Array.of(0) };
    await expectRefusal(trainer, () => trainer.step(batch, 0.1), diverged, /loss of Infinity/);
  });
});

describe.each([1, 2])('threads: %i', (threads) => {
  const spec: ModelSpec = {
    layers: [
      layerOf('lstm', 'rnn', 16, 64, 4),
      { kind: 'linear', name: 'out', inputSize: 64, outputSize: 30 },
    ],
  };
  const options = optionsOf({ capacity: { steps: 40, batch: 16 }, optimizer: { kind: 'adam' }, threads });
  const batch = drawBatch(spec, 40, 16);
  const busy = { name: 'TypeError', code: 'ERR_BUSY' };
  const gone = { name: 'TypeError', code: 'ERR_DISPOSED' };

  const callsOf = (trainer: Trainer, saved: ReturnType<Trainer['save']>): (() => unknown)[] => [
    () => trainer.step(batch, 0.1),
    () => trainer.evaluate(batch),
    () => trainer.gradients(batch),
    () => trainer.restore(saved),
    () => trainer.tensors(),
    () => trainer.save(),
  ];
  /** What a call throws, at once or later. */
  const refusal = (call: () => unknown) => errorFrom((async () => call())());

  test('two calls at a time are refused, and the first is right', async () => {
    const [trainer, other] = [await createTrainer(spec, options), await createTrainer(spec, options)];
    const saved = trainer.save();
    const first = trainer.step(batch, 0.1);
    // All at once: on one thread the first is done as soon as anyone waits.
    const refused = callsOf(trainer, saved).map(refusal);
    for (const error of await Promise.all(refused)) expect(error).toMatchObject(busy);
    expect(await first).toEqual(await other.step(batch, 0.1));
    expectSameTensors(trainer.tensors(), other.tensors());
    trainer.dispose();
    other.dispose();
  });

  test('a call that comes in as soon as it may does not mix with the one before', async () => {
    const [trainer, other] = [await createTrainer(spec, options), await createTrainer(spec, options)];
    const first = trainer.step(batch, 0.1);
    let second: Promise<unknown> | undefined;
    for (let turn = 0; second === undefined; turn++) {
      await (turn % 50 === 49 ? new Promise((resolve) => setImmediate(resolve)) : undefined);
      let refused = false;
      try {
        trainer.save();
      } catch {
        refused = true;
      }
      if (!refused) second = trainer.step(batch, 0.1);
    }
    expect([await first, await second]).toEqual([await other.step(batch, 0.1), await other.step(batch, 0.1)]);
    expect(trainer.steps).toBe(2);
    expectSameTensors(trainer.tensors(), other.tensors());
    trainer.dispose();
    other.dispose();
  });

  test('every call after dispose is refused, and one under way is rejected', async () => {
    const trainer = await createTrainer(spec, options);
    const saved = trainer.save();
    const calls = callsOf(trainer, saved);
    const under = trainer.step(batch, 0.1);
    trainer.dispose();
    trainer.dispose();
    expect(await errorFrom(under)).toMatchObject(gone);
    for (const call of calls) expect(await refusal(call)).toMatchObject(gone);
    let kept: Trainer;
    {
      using mine = await createTrainer(spec, options);
      kept = mine;
    }
    expect(await refusal(() => kept.tensors())).toMatchObject(gone);
  });
});

describe('a worker that dies', () => {
  const spec: ModelSpec = {
    layers: [
      layerOf('lstm', 'rnn', 32, 256, 4),
      { kind: 'linear', name: 'out', inputSize: 256, outputSize: 100 },
    ],
  };
  const options = optionsOf({ capacity: { steps: 64, batch: 32 }, optimizer: { kind: 'adam' }, threads: 2 });
  const batch = drawBatch(spec, 64, 32);
  const died = { name: 'WorkerError', code: 'ERR_WORKER' };

  let watch: ReturnType<typeof watchThreads>;
  beforeEach(() => {
    watch = watchThreads();
  });
  afterEach(() => watch.stop());

  test('within a step: it is rejected, weights are as before or must be restored, and training goes on', async () => {
    const expected = await createTrainer(spec, { ...options, threads: 1 });
    const scores = [await expected.step(batch, 0.01), await expected.step(batch, 0.01)];
    const trainer = await createTrainer(spec, options);
    await trainer.step(batch, 0.01);
    const saved = trainer.save();
    for (const [round, delay] of [0, 3, 10].entries()) {
      await trainer.restore(saved);
      const step = trainer.step(batch, 0.01).catch((error: unknown) => error as Error);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await watch.threads.at(-1 - (round % 2))!.terminate();
      const outcome = await step;
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject(died);
        const again = await trainer.step(batch, 0.01).catch((error: unknown) => error as Error);
        if (again instanceof Error) expect(again).toMatchObject({ name: 'TypeError', code: 'ERR_WORKER' });
        else expect(again).toEqual(scores[1]);
      } else {
        expect(outcome).toEqual(scores[1]);
      }
    }
    await trainer.restore(saved);
    expect(await trainer.step(batch, 0.01)).toEqual(scores[1]);
    expectSameTensors(trainer.tensors(), expected.tensors());
    trainer.dispose();
    expected.dispose();
  });

  /** A trainer of one thread whose work is done and then reported as failed, when it is asked to. */
  async function makeFragile() {
    const { seed, ...sizes } = checkTrainerOptions({ ...options, capacity: { steps: 64, batch: 32 } });
    const checked = checkSpec(spec);
    const program = planTraining(checked, { ...sizes, workers: 1 });
    const arena = createArena(program.bytes, false);
    placeTable(arena.f32, program.constants / 4);
    const kernels = (await instantiate(await loadTrainBinary('simd'), arena.memory)) as TrainKernels;
    const solo = scheduleSolo(bindTraining(kernels, program, arena.memory, 0, 1));
    const fate = { fails: false };
    const workers = {
      ...solo,
      run(piece: Parameters<typeof solo.run>[0]) {
        solo.run(piece);
        if (fate.fails) throw new WorkerError('died');
      },
    };
    const trainer = new MadeTrainer({ spec: checked, program, arena, workers, kernels: 'simd', seed });
    await trainer.begin(initTensors(checked, 1));
    return { trainer, fate };
  }

  test('in the very update: every call says so until a state is restored', async () => {
    const { trainer, fate } = await makeFragile();
    const saved = trainer.save();
    const torn = { name: 'TypeError', code: 'ERR_WORKER' };
    fate.fails = true;
    expect(await errorFrom(trainer.step(batch, 0.1))).toMatchObject(died);
    fate.fails = false;
    const calls = [
      () => trainer.step(batch, 0.1),
      () => trainer.evaluate(batch),
      () => trainer.gradients(batch),
    ];
    for (const call of calls) expect(await errorFrom(call())).toMatchObject(torn);
    for (const call of [() => trainer.tensors(), () => trainer.save()])
      expect(call).toThrow(expect.objectContaining(torn));
    // Nor is a restoration that fails one.
    fate.fails = true;
    expect(await errorFrom(trainer.restore(saved))).toMatchObject(died);
    fate.fails = false;
    expect(await errorFrom(trainer.step(batch, 0.1))).toMatchObject(torn);
    await trainer.restore(saved);
    expectSameTensors(trainer.save().tensors, saved.tensors);
    expect(trainer.steps).toBe(0);
    await trainer.step(batch, 0.1);
  });

  test('in an evaluation or a gradient: nothing is lost', async () => {
    const { trainer, fate } = await makeFragile();
    const { loss } = await trainer.evaluate(batch);
    for (const call of [() => trainer.evaluate(batch), () => trainer.gradients(batch)]) {
      fate.fails = true;
      expect(await errorFrom(call())).toMatchObject(died);
      fate.fails = false;
      expect((await trainer.evaluate(batch)).loss).toBe(loss);
    }
    await trainer.step(batch, 0.1);
  });
});
