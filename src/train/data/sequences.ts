import { FormatError } from '../../base/errors.js';
import { integer, show } from '../../base/guards.js';
import { seededRandom } from '../../base/random.js';
import type { Batch } from '../types.js';
import type { Row } from './csv.js';
import type { Feed } from './feed.js';
import { type Parts, type Split, splitEnds } from './split.js';

/** One sequence with the number of its class. */
export interface Sequence {
  /** [T, I] */
  values: Float32Array;
  target: number;
}

/**
 * The names of the classes in their order: numbers by value where all are numbers, else by UTF-16 code unit.
 * @param rows of the training part: a class that it has not cannot be learnt
 */
export function classesOf(rows: readonly Row[]): string[] {
  const names = [...new Set(rows.map(({ label }) => label))];
  const areNumbers = names.every((name) => Number.isFinite(Number(name)));
  return areNumbers ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}

/** @throws FormatError naming a label that is no class, and the classes */
export function labelRows(rows: readonly Row[], classes: readonly string[]): Sequence[] {
  const numberOf = new Map(classes.map((name, i) => [name, i]));
  return rows.map(({ label, values }) => {
    const target = numberOf.get(label);
    if (target !== undefined) return { values, target };
    throw new FormatError(`the label ${show(label)} is not among the classes ${show(classes)}.`);
  });
}

/** Cuts one file into parts: in an order that the seed draws, because files are often sorted by class. */
export function splitRows<T>(rows: readonly T[], split: Split, seed: number): Parts<T[]> {
  const order = shuffled(rows.length, seed, -1);
  const [train, valid, test] = splitEnds(rows.length, split);
  const pick = (from: number, to: number) => Array.from(order.subarray(from, to), (i) => rows[i]!);
  return {
    train: pick(0, train),
    ...(valid > train ? { valid: pick(train, valid) } : {}),
    ...(test > valid ? { test: pick(valid, test) } : {}),
  };
}

export interface SequenceOptions {
  /** I */
  features: number;
  /** B; the last batch of an epoch may have fewer */
  batch: number;
  /** draws another order in every epoch; without it the order is that of the list */
  seed?: number;
}

/**
 * Sequences in batches, each as long as its longest: zeros stand behind the others, and `lengths` says where they end.
 * Sequences of one batch are taken as they come, whatever their lengths.
 */
export function sequenceBatches(
  sequences: readonly Sequence[],
  { features, batch, seed }: SequenceOptions,
): Feed {
  integer(batch, 'batch', 1);
  const most = sequences.reduce((longest, { values }) => Math.max(longest, values.length / features), 0);
  return {
    count: Math.ceil(sequences.length / batch),
    steps: most,
    batch: Math.min(batch, sequences.length),
    targets: sequences.length,
    *of(epoch) {
      const order =
        seed === undefined ? Int32Array.from(sequences.keys()) : shuffled(sequences.length, seed, epoch);
      for (let from = 0; from < order.length; from += batch) {
        yield gather(
          Array.from(order.subarray(from, from + batch), (i) => sequences[i]!),
          features,
        );
      }
    },
  };
}

function gather(sequences: readonly Sequence[], features: number): Batch {
  const batch = sequences.length;
  const lengths = Int32Array.from(sequences, ({ values }) => values.length / features);
  const steps = lengths.reduce((most, length) => Math.max(most, length));
  const x = new Float32Array(steps * batch * features);
  for (const [b, { values }] of sequences.entries()) {
    for (let t = 0; t < lengths[b]!; t++) {
      x.set(values.subarray(t * features, (t + 1) * features), (t * batch + b) * features);
    }
  }
  const targets = Int32Array.from(sequences, ({ target }) => target);
  return { x, steps, batch, targets, lengths };
}

/** The numbers below `length` in an order that seed and epoch draw (Fisher and Yates). */
function shuffled(length: number, seed: number, epoch: number): Int32Array {
  // Two draws of one generator keep apart what seed + epoch would make the same.
  const random = seededRandom(Math.floor(seededRandom(seed)() * 2 ** 32) ^ Math.imul(epoch + 1, 0x9e3779b1));
  const order = Int32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const other = order[j]!;
    order[j] = order[i]!;
    order[i] = other;
  }
  return order;
}
