import { expect } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import {
  type Batch,
  type CarriedState,
  createTrainer,
  type Trainer,
  type TrainerOptions,
} from '#dist/train-node.js';
import { findExcess } from '../oracle/tolerance.js';
import { errorFrom, expectSameBytes } from '../session/draw.js';
import { gradientBounds } from './bounds.js';
import { type OracleBatch, trainOracle, type Weights } from './oracle.js';

/** Options of the plainest trainer. */
export function optionsOf(given: Partial<TrainerOptions> = {}): TrainerOptions {
  return {
    loss: { kind: 'steps' },
    optimizer: { kind: 'sgd' },
    capacity: { steps: 12, batch: 5 },
    kernels: 'simd',
    ...given,
  };
}

/** A trainer that starts from an oracle's weights, which are f32 values, and is made for its batches. */
export function trainerOf(
  spec: ModelSpec,
  weights: Weights,
  { loss, steps, batch, tie }: OracleBatch,
  given: Partial<TrainerOptions> = {},
): Promise<Trainer> {
  const tensors = f32Of(weights);
  // The oracle does not read the last layer's own.
  if (tie) tensors[lastOf(spec)] = tensors[firstOf(spec)]!;
  return createTrainer(spec, optionsOf({ loss, tie, tensors, capacity: { steps, batch }, ...given }));
}

function lastOf({ layers }: ModelSpec): string {
  return `${layers.findLast(({ kind }) => kind === 'linear')!.name}.weight`;
}

function firstOf({ layers }: ModelSpec): string {
  return `${layers[0]!.name}.weight`;
}

export function f32Of(weights: Weights): Tensors {
  const tensors: Tensors = {};
  for (const [name, { shape, data }] of Object.entries(weights))
    tensors[name] = { shape: [...shape], data: Float32Array.from(data) };
  return tensors;
}

/** What a trainer takes of an oracle's batch. */
export function batchOf({ x, steps, batch, targets, lengths, state }: OracleBatch): Batch {
  return {
    x: x as Float32Array,
    steps,
    batch,
    targets: targets as Int32Array,
    ...(lengths === undefined ? {} : { lengths }),
    ...(state === undefined ? {} : { carry: true }),
  };
}

/**
 * Sets the state that a trainer's next batch carries on from to that of an oracle's batch, whose numbers are f32.
 */
export async function carryOver(trainer: Trainer, { state, batch }: OracleBatch): Promise<void> {
  if (state === undefined) return;
  const layers = state.map((record) => {
    const parts = Object.entries(record).map(([name, values]) => [name, Float32Array.from(values!)]);
    return Object.fromEntries(parts) as CarriedState;
  });
  await trainer.restore({ ...trainer.save(), carried: { batch, layers } });
}

/**
 * Fails unless loss, counts and every gradient are within what f32 may be off by.
 * @param spec what the oracle runs, where that is not the trainer's: it knows no softmax
 */
export async function expectOracle(
  trainer: Trainer,
  weights: Weights,
  batch: OracleBatch,
  { what = '', spec = trainer.spec }: { what?: string; spec?: ModelSpec } = {},
): Promise<void> {
  const exact = trainOracle(spec, weights, batch);
  const bounds = gradientBounds(spec, weights, batch, exact);
  await carryOver(trainer, batch);
  const gradients = await trainer.gradients(batchOf(batch));
  expect(Object.keys(gradients).sort()).toEqual(Object.keys(exact.gradients).sort());
  for (const [name, { shape, data }] of Object.entries(exact.gradients)) {
    expect(gradients[name]!.shape, name).toEqual(shape);
    expect(findExcess(gradients[name]!.data, data, bounds.gradients[name]!), `${what} ${name}`).toBeNull();
  }
  const result = await trainer.step(batchOf(batch), 0);
  expect(Math.abs(result.loss - exact.loss), what).toBeLessThanOrEqual(bounds.loss);
  expect(result.count, what).toBe(exact.count);
  expect(result.hits, what).toBe(exact.hits);
  let sum = 0;
  for (const [name, { data }] of Object.entries(gradients)) {
    // A tied pair is one weight under two names.
    if (!batch.tie || name !== lastOf(spec)) for (const g of data) sum += g * g;
  }
  expect(Math.abs(result.norm - Math.sqrt(sum)), what).toBeLessThan(1e-12 * Math.sqrt(sum) + 1e-30);
}

export function expectSameTensors(actual: Tensors, expected: Tensors): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name]!.shape).toEqual(shape);
    expectSameBytes(actual[name]!.data, data, name);
  }
}

/** Fails unless a call is rejected with such an error, and leaves all that the trainer is made of as it was. */
export async function expectRefusal(
  trainer: Trainer,
  call: () => Promise<unknown>,
  expected: object,
  message: RegExp,
): Promise<void> {
  const before = trainer.save();
  const error = await errorFrom(call());
  expect(error).toMatchObject(expected);
  expect(error.message).toMatch(message);
  const { steps, tensors, carried } = trainer.save();
  expect(steps).toBe(before.steps);
  expectSameTensors(tensors, before.tensors);
  expect(carried).toEqual(before.carried);
}
