import { ArgumentRangeError } from '../../base/errors.js';
import { show } from '../../base/guards.js';

/** Shares of a data set for training, validation and the test; those left out are empty. */
export type Split = readonly number[];

export const defaultSplit: Split = [0.9, 0.05, 0.05];

export interface Parts<T> {
  train: T;
  valid?: T;
  test?: T;
}

/**
 * Where the parts of `length` things end: part i is [floor(length · shares before i), floor(length · shares up to i)).
 * @param split 1..3 shares whose sum is 1
 * @returns three ends
 * @throws RangeError for other shares
 */
export function splitEnds(length: number, split: Split): [number, number, number] {
  const sum = split.reduce((total, share) => total + share, 0);
  const isWrong = split.length < 1 || split.length > 3 || split.some((share) => !(share >= 0));
  if (isWrong || Math.abs(sum - 1) > 1e-6) {
    throw new ArgumentRangeError(`split must be 1..3 shares whose sum is 1, got ${show(split)}.`);
  }
  // 0.7 + 0.2 is a little less than 0.9, which must not cost an element.
  const end = (parts: number) =>
    parts >= split.length
      ? length
      : Math.floor(length * split.slice(0, parts).reduce((total, share) => total + share, 0) + 1e-6);
  return [end(1), end(2), end(3)];
}

/** The parts of one array, cut in its order; a part without elements is left out. */
export function cut<T extends { length: number; subarray(from: number, to: number): T }>(
  all: T,
  split: Split,
): Parts<T> {
  const [train, valid, test] = splitEnds(all.length, split);
  return {
    train: all.subarray(0, train),
    ...(valid > train ? { valid: all.subarray(train, valid) } : {}),
    ...(test > valid ? { test: all.subarray(valid, test) } : {}),
  };
}

/** Does the same to each part that is there. */
export function mapParts<T, U>(parts: Parts<T>, make: (part: T, name: keyof Parts<T>) => U): Parts<U> {
  const made: Parts<U> = { train: make(parts.train, 'train') };
  if (parts.valid !== undefined) made.valid = make(parts.valid, 'valid');
  if (parts.test !== undefined) made.test = make(parts.test, 'test');
  return made;
}
