/**
 * What all workers are told of one step, in shared memory: numbers of 64 bits, so that a learning rate survives.
 */
export interface Order {
  /** T and B of this batch */
  steps: number;
  batch: number;
  /** whether the lengths hold */
  ragged: boolean;
  /** how far: the loss alone, the gradient too, or the new weights */
  stage: Stage;
  /** whether the state goes on from the batch before */
  carry: boolean;
  /** of dropout and zoneout, this step's own */
  seed: number;
  /** 1 over the number of targets that count */
  scale: number;
  learningRate: number;
  /** number of this update, from 1 */
  update: number;
}

/** 'pack' only makes the packed forms of the weights, which have been set. */
export type Stage = 'pack' | 'evaluate' | 'gradient' | 'train';

const stages: readonly Stage[] = ['pack', 'evaluate', 'gradient', 'train'];
const numbers = 9;
/** Written by the workers: whether the update has begun, and what the gradient's norm was. */
const answers = 2;

/** Floats that an order and its answers take. */
export const orderFloats = 2 * (numbers + answers);

/** Writes an order where workers read it. */
export function writeOrder(words: Float64Array, at: number, order: Order): void {
  const { steps, batch, ragged, stage, carry, seed, scale, learningRate, update } = order;
  const fields = [steps, batch, +ragged, stages.indexOf(stage), +carry, seed, scale, learningRate, update];
  words.set(fields, at / 8);
  words.fill(0, at / 8 + numbers, at / 8 + numbers + answers);
}

export function readOrder(words: Float64Array, at: number): Order {
  const [steps, batch, ragged, stage, carry, seed, scale, learningRate, update] = words.subarray(
    at / 8,
  ) as unknown as [number, number, number, number, number, number, number, number, number];
  return {
    steps,
    batch,
    ragged: ragged === 1,
    stage: stages[stage]!,
    carry: carry === 1,
    seed,
    scale,
    learningRate,
    update,
  };
}

/** Notes that from now on weights change. */
export function noteUpdate(words: Float64Array, at: number): void {
  words[at / 8 + numbers] = 1;
}

/** Whether weights may have changed since the order was written. */
export function isUpdating(words: Float64Array, at: number): boolean {
  return words[at / 8 + numbers] === 1;
}

export function noteNorm(words: Float64Array, at: number, norm: number): void {
  words[at / 8 + numbers + 1] = norm;
}

export function readNorm(words: Float64Array, at: number): number {
  return words[at / 8 + numbers + 1]!;
}
