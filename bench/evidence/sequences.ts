import { seededRandom } from '#dist/base/random.js';
import type { Batch } from '#dist/train/types.js';

/** Values [frames, width] of one recording, with what it is. */
export interface Sequence {
  values: Float32Array;
  frames: number;
  /** its class, or the classes that it spells */
  label: number | readonly number[];
}

/** The same array in another order (Fisher and Yates); the seed decides it. */
export function shuffle<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}

/** A seed for one epoch, or one part, of what another seed decides. */
export function deriveSeed(seed: number, part: number): number {
  return (Math.imul(seed, 0x9e3779b1) ^ Math.imul(part + 1, 0x85ebca6b)) | 0;
}

/** How the targets of sequences are given to a loss. */
export type Targets = 'steps' | 'sequence' | 'ctc';

/**
 * Sequences in batches of at most `size`. Those of a length stand together, so that little is padding: they are
 * shuffled, sorted within pools of some batches, and the batches shuffled again.
 */
export function* batchSequences(
  sequences: readonly Sequence[],
  size: number,
  width: number,
  targets: Targets,
  seed: number,
): Generator<Batch> {
  const pool = 16 * size;
  const mixed = shuffle(sequences, seed);
  const groups: Sequence[][] = [];
  for (let first = 0; first < mixed.length; first += pool) {
    const sorted = mixed.slice(first, first + pool).sort((a, b) => a.frames - b.frames);
    for (let at = 0; at < sorted.length; at += size) groups.push(sorted.slice(at, at + size));
  }
  for (const group of shuffle(groups, deriveSeed(seed, 1))) yield joinSequences(group, width, targets);
}

/** Sequences side by side, zeros after their ends: x [T, B, width], T the longest's. */
export function joinSequences(group: readonly Sequence[], width: number, targets: Targets): Batch {
  const batch = group.length;
  const steps = Math.max(...group.map(({ frames }) => frames));
  const x = new Float32Array(steps * batch * width);
  for (const [b, { values, frames }] of group.entries()) {
    for (let t = 0; t < frames; t++)
      x.set(values.subarray(t * width, (t + 1) * width), (t * batch + b) * width);
  }
  const lengths = Int32Array.from(group, ({ frames }) => frames);
  return { x, steps, batch, targets: targetsOf(group, steps, targets), lengths };
}

function targetsOf(group: readonly Sequence[], steps: number, targets: Targets): Batch['targets'] {
  if (targets === 'ctc') return group.map(({ label }) => (typeof label === 'number' ? [label] : label));
  const classes = Int32Array.from(group, ({ label }) => label as number);
  if (targets === 'sequence') return classes;
  const batch = group.length;
  const each = new Int32Array(steps * batch).fill(-1);
  for (const [b, { frames }] of group.entries()) {
    for (let t = 0; t < frames; t++) each[t * batch + b] = classes[b]!;
  }
  return each;
}

/** Most T and B that batches of these sequences can have. */
export function capacityOf(sequences: readonly Sequence[], size: number): { steps: number; batch: number } {
  return {
    steps: sequences.reduce((most, { frames }) => Math.max(most, frames), 1),
    batch: Math.min(size, sequences.length),
  };
}
