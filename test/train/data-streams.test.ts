import { describe, expect, test } from 'vitest';
import { encodeCorpus } from '#dist/train/data/bytes.js';
import { cut, splitEnds } from '#dist/train/data/split.js';
import { streamBatches } from '#dist/train/data/streams.js';
import { encodeWords } from '#dist/train/data/words.js';

describe('splits', () => {
  test.each([
    [1115394, [0.9, 0.05, 0.05], [1003854, 1059624, 1115394]],
    [10, [0.7, 0.2, 0.1], [7, 9, 10]],
    [10, [0.8, 0.2], [8, 10, 10]],
    [7, [1], [7, 7, 7]],
    [3, [0.5, 0, 0.5], [1, 1, 3]],
    [0, [0.9, 0.1], [0, 0, 0]],
  ])('%i by %j', (length, split, ends) => {
    expect(splitEnds(length, split)).toEqual(ends);
  });

  test.each([[[]], [[0.5, 0.4]], [[0.5, 0.6]], [[1.5, -0.5]], [[0.25, 0.25, 0.25, 0.25]], [[Number.NaN, 1]]])(
    '%j is refused',
    (split) => {
      expect(() => splitEnds(10, split)).toThrow(RangeError);
    },
  );

  test('a part without elements is left out', () => {
    expect(cut(Int32Array.of(1, 2, 3, 4), [0.5, 0, 0.5])).toEqual({
      train: Int32Array.of(1, 2),
      test: Int32Array.of(3, 4),
    });
  });
});

describe('streams', () => {
  test('the drawing in the source', () => {
    const feed = streamBatches(
      Int32Array.from({ length: 13 }, (_, i) => i),
      2,
      3,
    );
    expect([feed.count, feed.steps, feed.batch, feed.targets]).toEqual([2, 3, 2, 10]);
    expect([...feed.of(0)]).toEqual([
      {
        x: Int32Array.of(0, 6, 1, 7, 2, 8),
        targets: Int32Array.of(1, 7, 2, 8, 3, 9),
        steps: 3,
        batch: 2,
        carry: false,
      },
      {
        x: Int32Array.of(3, 9, 4, 10),
        targets: Int32Array.of(4, 10, 5, 11),
        steps: 2,
        batch: 2,
        carry: true,
      },
    ]);
    expect([...feed.of(5)]).toEqual([...feed.of(0)]);
  });

  test.each([
    [2, 1, 1],
    [2, 5, 7],
    [7, 3, 2],
    [100, 7, 5],
    [101, 1, 1],
    [9, 4, 100],
  ])(
    '%i ids, batch %i, steps %i: each stream predicts every id but its first, once and in order',
    (length, batch, steps) => {
      const ids = Int32Array.from({ length }, (_, i) => i * 3);
      const feed = streamBatches(ids, batch, steps);
      const batches = [...feed.of(0)];
      expect(batches.length).toBe(feed.count);
      const streams = Math.min(batch, Math.floor(length / 2));
      const part = Math.floor(length / streams);
      let predicted = 0;
      for (let b = 0; b < streams; b++) {
        const read: number[] = [];
        const said: number[] = [];
        for (const { x, targets, steps: taken, batch: width } of batches) {
          expect(width).toBe(feed.batch);
          expect(taken).toBeLessThanOrEqual(feed.steps);
          for (let t = 0; t < taken; t++) {
            read.push(x[t * width + b]!);
            said.push((targets as Int32Array)[t * width + b]!);
          }
        }
        expect(read).toEqual([...ids.subarray(b * part, (b + 1) * part - 1)]);
        expect(said).toEqual([...ids.subarray(b * part + 1, (b + 1) * part)]);
        predicted += said.length;
      }
      expect(predicted).toBe(feed.targets);
      expect(batches.map(({ carry }) => carry)).toEqual(batches.map((_, i) => i > 0));
    },
  );

  test('one id is nothing to predict', () => {
    expect(() => streamBatches(Int32Array.of(1), 1, 1)).toThrow('nothing to predict');
    expect(() => streamBatches(Int32Array.of(1, 2), 0, 1)).toThrow('batch');
    expect(() => streamBatches(Int32Array.of(1, 2), 1, 0)).toThrow('steps');
  });
});

describe('vocabularies', () => {
  test('bytes: those of all parts, in order', () => {
    const { vocab, ids } = encodeCorpus({ train: Uint8Array.of(200, 10, 200), test: Uint8Array.of(0, 10) });
    expect(vocab).toEqual([0, 10, 200]);
    expect(ids).toEqual({ train: Int32Array.of(2, 1, 2), test: Int32Array.of(0, 1) });
  });

  test('words: every line ends in <eos>, also an empty one and one without its newline', () => {
    const { words, ids } = encodeWords({ train: ' the cat \r\n\n the <unk>\n', valid: 'dog\tthe', test: '' });
    expect(words).toEqual(['the', 'cat', '<eos>', '<unk>', 'dog']);
    expect(ids).toEqual({
      train: Int32Array.of(0, 1, 2, 2, 0, 3, 2),
      valid: Int32Array.of(4, 0, 2),
      test: Int32Array.of(),
    });
  });
});
