import { expect, test } from 'vitest';
import type { Batch } from '#dist/train/types.js';
import { openTested } from '../../bench/evidence/answers.js';
import { scoreText, streamBatches } from '../../bench/evidence/language.js';
import { officialPart, type Recording, speakers } from '../../bench/evidence/recordings.js';
import { batchSequences, type Sequence } from '../../bench/evidence/sequences.js';
import {
  buildSpec,
  countMultiplyAdds,
  countParameters,
  type Structure,
  structures,
} from '../../bench/evidence/sizes.js';
import type { OpenTask, Task } from '../../bench/evidence/task.js';
import { openText, splitText } from '../../bench/evidence/tasks/bytes.js';
import { openDigits, partOf } from '../../bench/evidence/tasks/digits.js';
import { findRuns, openGestures, readRows, splitRows } from '../../bench/evidence/tasks/gestures.js';
import { centre, openPoses } from '../../bench/evidence/tasks/poses.js';
import { makeStrings, openStrings } from '../../bench/evidence/tasks/strings.js';
import { openCorpus, readWords } from '../../bench/evidence/tasks/words.js';
import { tasks } from '../../bench/evidence/tasks.js';
import { UNIT_ROUNDOFF } from '../oracle/tolerance.js';

/** One sound for each digit, speaker and index: as many samples as make some frames, all different. */
function makeRecordings(indices: readonly number[]): Recording[] {
  return speakers.flatMap((speaker, s) =>
    indices.flatMap((index) =>
      Array.from({ length: 10 }, (_, digit) => ({
        ...{ digit, speaker, index },
        samples: new Float32Array(700 + 80 * digit + index).fill(
          (s + 1) / 100 + index / 1000 + digit / 10_000,
        ),
      })),
    ),
  );
}

const recordings = makeRecordings([0, 4, 5, 30, 44, 45, 49]);
const text = Uint8Array.from({ length: 24_000 }, (_, i) => 32 + ((i * i) % 65));
const gestureRows = readRows(
  Array.from({ length: 400 }, (_, row) => {
    const label = Math.floor(row / 100);
    return [label, ...Array.from({ length: 32 }, (_, k) => Math.sin(row + k) / 10)].join(',');
  }).join('\n'),
);
const clipFrames = Array.from({ length: 40 }, (_, i) => 15 + ((i * 7) % 26));
const poseIndex = {
  joints: 15,
  labels: Array.from({ length: 14 }, (_, i) => `action ${i}`),
  clips: clipFrames.map((frames, i) => ({
    frames,
    offset: clipFrames.slice(0, i).reduce((sum, each) => sum + 30 * each, 0),
    label: i % 14,
  })),
  splits: { split1_train: clipFrames.map((_, i) => i).slice(4), split1_test: [0, 1, 2, 3] },
};
const poseBytes = new Uint8Array(
  Float32Array.from({ length: 30 * clipFrames.reduce((sum, each) => sum + each, 0) }, (_, i) => Math.sin(i))
    .buffer,
);

const open: Record<string, () => OpenTask> = {
  bytes: () => openText(text),
  words: () => openCorpus(['a b c a b\n\nb c d a\n'.repeat(200), 'a b e\n'.repeat(300), 'f a\n'.repeat(300)]),
  digits: () => openDigits(recordings),
  strings: () => openStrings(recordings),
  gestures: () => openGestures(gestureRows),
  poses: () => openPoses(poseIndex, poseBytes),
};
const names = tasks.map(({ name }) => name);
const taskOf = (name: string) => tasks.find((task) => task.name === name)!;

test.each(names)(
  '%s: batches are well formed, within the capacity, and the same for the same epoch and seed',
  (name) => {
    const task = taskOf(name);
    const opened = open[name]!();
    const first = task.groups[0]!;
    const split = opened.split(first.folds[0]!, 1);
    const batches = [...split.batches(0)];
    expect(batches.length).toBeGreaterThan(0);
    for (const batch of [...batches, ...(split.validate?.() ?? [])]) {
      checkBatch(batch, task);
      expect(batch.steps).toBeLessThanOrEqual(split.capacity.steps);
      expect(batch.batch).toBeLessThanOrEqual(split.capacity.batch);
    }
    expect([...opened.split(first.folds[0]!, 1).batches(0)]).toEqual(batches);
    expect([...opened.split(first.folds[0]!, 1).batches(1)]).not.toEqual(batches);
    expect([...opened.split(first.folds[0]!, 2).batches(0)]).not.toEqual(batches);
    expect(Math.abs(batches.length - split.stepsPerEpoch)).toBeLessThanOrEqual(0.35 * batches.length + 2);
  },
);

function checkBatch({ x, steps, batch, targets, lengths }: Batch, { settings }: Task): void {
  expect(x.length % (steps * batch)).toBe(0);
  expect(x.every(Number.isFinite)).toBe(true);
  if (settings.loss.kind === 'steps') expect(targets).toHaveLength(steps * batch);
  else expect(targets).toHaveLength(batch);
  if (lengths !== undefined) {
    expect(lengths).toHaveLength(batch);
    expect(Math.max(...Array.from(lengths))).toBe(steps);
  }
}

test.each(names)(
  '%s: the widened network costs within 2 %% of the dense one, and every structure can be built',
  (name) => {
    const task = taskOf(name);
    const { stack } = open[name]!();
    const dense = countMultiplyAdds(buildSpec(stack, 'dense', task.hidden));
    const wide = countMultiplyAdds(buildSpec(stack, 'widened-8', task.hidden));
    if (task.structures.includes('widened-8')) expect(Math.abs(wide / dense - 1)).toBeLessThan(0.02);
    for (const structure of task.structures) {
      for (const layer of buildSpec(stack, structure, task.hidden).layers) {
        if (layer.kind === 'lstm') expect(layer.hiddenSize % (layer.blocks ?? 1), structure).toBe(0);
      }
    }
  },
);

test('multiply-adds and parameters are those counted by hand', () => {
  const { stack } = openDigits(recordings);
  const sizes = (structure: Structure) => {
    const spec = buildSpec(stack, structure, 128);
    return [countMultiplyAdds(spec), countParameters(spec).recurrent, countParameters(spec).total];
  };
  const rest = 4 * 128 * 40 + 128 * 10;
  const biases = 2 * 4 * 128 + 10;
  const inner = { dense: 128, 'blocks-4': 32, 'blocks-8': 16, 'blocks-16': 8, diagonal: 1 };
  for (const [structure, size] of Object.entries(inner)) {
    const recurrent = 4 * 128 * size;
    expect(sizes(structure as Structure)).toEqual([recurrent + rest, recurrent, recurrent + rest + biases]);
  }
  expect(structures).toContain('widened-8');
  const { stack: tied } = openCorpus(['a b c\n', 'a\n', 'a\n']);
  const spec = tied(8, 1);
  expect(countParameters(spec).total - countParameters(spec, true).total).toBe(4 * 8);
});

test('a text is cut 90 / 5 / 5 by position', () => {
  const ids = Int32Array.from({ length: 1_115_394 }, (_, i) => i);
  const parts = splitText(ids);
  expect(parts.map(({ length }) => length)).toEqual([1_003_854, 55_770, 55_770]);
  expect(parts.map((part) => part[0])).toEqual([0, 1_003_854, 1_059_624]);
});

test('each id of a stream foretells the next, and streams go on from piece to piece', () => {
  const ids = Int32Array.from({ length: 103 }, (_, i) => i);
  const batches = [...streamBatches(ids, 7, 3, 2)];
  expect(batches.map(({ carry }) => carry)).toEqual([false, true, true, true]);
  const length = Math.floor((103 - 1 - 2) / 3);
  for (const [piece, { x, targets }] of batches.entries()) {
    for (let t = 0; t < 7; t++) {
      for (let b = 0; b < 3; b++) {
        expect(x[t * 3 + b]).toBe(2 + b * length + piece * 7 + t);
        expect((targets as Int32Array)[t * 3 + b]).toBe(x[t * 3 + b]! + 1);
      }
    }
  }
});

test('words are numbered as they come, with an end for each line', () => {
  const idOf = new Map<string, number>();
  expect(Array.from(readWords(' b a \n\na c', idOf))).toEqual([0, 1, 2, 2, 1, 3, 2]);
  expect([...idOf.keys()]).toEqual(['b', 'a', '<eos>', 'c']);
});

test('the official split of the digits is by index; leaving a speaker out leaves all of theirs out', () => {
  expect([0, 4].map(officialPart)).toEqual(['test', 'test']);
  expect([5, 44].map(officialPart)).toEqual(['train', 'train']);
  expect([45, 49].map(officialPart)).toEqual(['valid', 'valid']);
  for (const fold of speakers) {
    for (const speaker of speakers) {
      for (const index of [0, 4, 5, 49])
        expect(partOf({ speaker, index }, fold) === 'test').toBe(speaker === fold);
    }
  }
});

test('strings are of one speaker and 3 to 6 digits, use every recording once a round, and follow from the seed', () => {
  const part = recordings.filter(({ index }) => officialPart(index) === 'test');
  const made = makeStrings(part, 7, 2);
  expect(makeStrings(part, 7, 2)).toEqual(made);
  expect(makeStrings(part, 8, 2)).not.toEqual(made);
  for (const { label, values, frames } of made) {
    const digits = label as readonly number[];
    expect(digits.length).toBeGreaterThanOrEqual(3);
    expect(digits.length).toBeLessThanOrEqual(6);
    expect(Math.min(...digits)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...digits)).toBeLessThanOrEqual(10);
    expect(values).toHaveLength(frames * 80);
  }
  const counts = new Array(11).fill(0);
  for (const { label } of made) for (const digit of label as readonly number[]) counts[digit]++;
  // 20 recordings of each of six speakers in two rounds; at most two of a speaker are left over in each.
  const all = counts.reduce((sum, count) => sum + count, 0);
  expect(all).toBeGreaterThanOrEqual(2 * 6 * 18);
  expect(all).toBeLessThanOrEqual(2 * 6 * 20);
  expect(Math.max(...counts)).toBeLessThanOrEqual(2 * 6 * 2);
});

test('rows of gestures: runs, disjoint folds, and a guard of 16 rows', () => {
  const rows = [0, 0, 0, 1, 1, 0].map((label) => ({ label }));
  expect(findRuns(rows)).toEqual([
    [0, 3],
    [3, 5],
    [5, 6],
  ]);
  const tested: number[] = [];
  for (let fold = 0; fold < 5; fold++) {
    const { train, test: held } = splitRows(gestureRows, fold);
    tested.push(...held);
    for (const row of held) {
      for (const other of train) {
        const isSameRun = gestureRows[row]!.label === gestureRows[other]!.label;
        if (isSameRun) expect(Math.abs(row - other)).toBeGreaterThanOrEqual(16);
      }
    }
    expect(train.length).toBeGreaterThanOrEqual(400 - held.length - 4 * 32);
  }
  expect(tested.sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, row) => row));
  expect(() => readRows('1,2,3')).toThrow(/line 1/);
  expect(() => readRows(`9${',0'.repeat(32)}`)).toThrow(/line 1/);
});

test('a clip is about its centre and in units of its size, wherever it stands and however large it is', () => {
  const clip = Float32Array.from({ length: 90 }, (_, i) => Math.sin(i * i));
  const centred = centre(clip, 30);
  const moved = centre(
    clip.map((value, i) => value * 64 + (i % 2 === 0 ? 5 : -3)),
    30,
  );
  const square = centred.reduce((sum, value) => sum + value * value, 0);
  expect(square / centred.length).toBeCloseTo(1, 5);
  for (const [i, value] of centred.entries()) expect(moved[i]).toBeCloseTo(value, 4);
  expect(() =>
    openPoses(
      { ...poseIndex, clips: [{ offset: poseBytes.length / 4 - 29, frames: 1, label: 0 }] },
      poseBytes,
    ),
  ).toThrow(/clip 0/);
});

test('batches hold every sequence once', () => {
  const sequences: Sequence[] = Array.from({ length: 103 }, (_, i) => ({
    values: new Float32Array(2 * (1 + (i % 7))).fill(i),
    frames: 1 + (i % 7),
    label: i,
  }));
  const seen: number[] = [];
  for (const { x, steps, batch, targets, lengths } of batchSequences(sequences, 4, 2, 'steps', 3)) {
    for (let b = 0; b < batch; b++) {
      const label = (targets as Int32Array)[b]!;
      seen.push(label);
      for (let t = 0; t < steps; t++) {
        const isOwn = t < lengths![b]!;
        expect((targets as Int32Array)[t * batch + b]).toBe(isOwn ? label : -1);
        expect(x[(t * batch + b) * 2 + 1]).toBe(isOwn ? label : 0);
      }
    }
  }
  expect(seen.sort((a, b) => a - b)).toEqual(sequences.map((_, i) => i));
});

test('a text is scored by what the model says of each next id', async () => {
  const width = 5;
  const layers = [
    { kind: 'embedding', name: 'embedding', count: width, size: width },
    { kind: 'linear', name: 'decoder', inputSize: width, outputSize: width },
  ] as const;
  const values = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * i));
  const table = values(width * width);
  const identity = Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
  const model = await openTested(
    { layers: [...layers] },
    {
      'embedding.weight': { shape: [width, width], data: table },
      'decoder.weight': { shape: [width, width], data: identity },
      'decoder.bias': { shape: [width], data: new Float32Array(width) },
    },
    1,
  );
  const ids = Int32Array.from({ length: 2503 }, (_, i) => (i * i) % width);
  const { nats, accuracy } = await scoreText(model, ids, width);
  model.dispose();
  let expected = 0;
  let hits = 0;
  for (let t = 0; t + 1 < ids.length; t++) {
    const row = Array.from(table.subarray(ids[t]! * width, (ids[t]! + 1) * width));
    expected += Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[ids[t + 1]!]!;
    if (row.indexOf(Math.max(...row)) === ids[t + 1]) hits++;
  }
  // Each ln of a probability is within some roundoffs of its value, at most 4 here.
  expect(Math.abs(nats - expected / (ids.length - 1))).toBeLessThan(32 * 4 * UNIT_ROUNDOFF);
  expect(accuracy).toBe(hits / (ids.length - 1));
});
