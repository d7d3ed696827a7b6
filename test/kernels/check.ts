import { expect } from 'vitest';
import type { KernelSet } from '#dist/wasm/features.js';
import { findExcess } from '../oracle/tolerance.js';
import type { Ground } from './ground.js';

/** A source of random choices, all from one seed. */
export interface Draw {
  /** within -scale..scale */
  values(count: number, scale?: number): Float32Array;
  integer(least: number, most: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** Draws one case of a kernel, runs it on cleared ground and compares it with plain f64 loops. */
export type Check = (ground: Ground, draw: Draw, set: KernelSet) => void | Promise<void>;

/** Fails unless |actual - expected| <= bound throughout. */
export function within(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: ArrayLike<number>,
): void {
  expect(findExcess(actual, expected, bound)).toBeNull();
}
