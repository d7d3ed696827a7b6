import { expect } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import type { KernelSet } from '#dist/wasm/features.js';
import type { Kernels } from '#dist/wasm/registry.js';
import { findExcess } from '../oracle/tolerance.js';
import type { Ground } from './ground.js';

/** A source of random choices, all from one seed. */
export interface Draw {
  /** within -scale..scale */
  values(count: number, scale?: number): Float32Array;
  integer(least: number, most: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** The same choices for the same seed. */
export function drawFrom(seed: number): Draw {
  const random = seededRandom(seed);
  const integer = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return {
    values: (count, scale = 1) => Float32Array.from({ length: count }, () => (2 * random() - 1) * scale),
    integer,
    pick: (choices) => choices[integer(0, choices.length - 1)]!,
  };
}

/** How many seeds every kernel is checked with. */
export const cases = 150;

/** Draws one case of a kernel, runs it on cleared ground and compares it with plain f64 loops. */
export type Check<K extends Kernels = Kernels> = (
  ground: Ground<K>,
  draw: Draw,
  set: KernelSet,
) => void | Promise<void>;

/** Fails unless |actual - expected| <= bound throughout. */
export function within(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: ArrayLike<number>,
): void {
  expect(findExcess(actual, expected, bound)).toBeNull();
}
