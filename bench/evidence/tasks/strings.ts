import { seededRandom } from '#dist/base/random.js';
import type { ModelSpec } from '#dist/model/spec.js';
import type { Model } from '#dist/session/model.js';
import { decodeGreedy, editDistance } from '#dist/train/public.js';
import { bands, logMel, rate } from '../../../demo/page/audio/features.js';
import { answerAll } from '../answers.js';
import {
  fsddSource,
  officialPart,
  type Part,
  type Recording,
  readRecordings,
  speakers,
} from '../recordings.js';
import { batchSequences, capacityOf, deriveSeed, type Sequence, shuffle } from '../sequences.js';
import { structures } from '../sizes.js';
import type { OpenTask, Settings, Split, Task } from '../task.js';

const settings: Settings = {
  loss: { kind: 'ctc' },
  optimizer: { kind: 'adamw', weightDecay: 0.01 },
  epochs: 40,
  learningRate: 0.004,
  batch: 16,
  clip: 1,
  dropout: 0.3,
};
/** Frames that a step reads: two of 10 ms. */
const stacked = 2;
const inputs = stacked * bands;
/** the blank, and each digit as its number + 1 */
const classes = 11;
const fewest = 3;
const most = 6;
/** s of the gap before each digit, and after the last */
const shortestGap = 0.05;
const longestGap = 0.3;
/** of the noise in a gap: some of a sample's last bits, as the recordings have in their silences */
const noise = 1e-3;

export const strings: Task = {
  name: 'strings',
  title: 'Speech: strings of digits, recognised with CTC (Free Spoken Digit Dataset)',
  folder: 'fsdd',
  source: fsddSource,
  hidden: 192,
  structures,
  groups: [
    {
      name: 'official',
      text:
        `${fewest}–${most} recordings of one speaker joined with gaps of ${shortestGap}–${longestGap} s; the tested ones ` +
        'are made of test recordings (0–4) and the same for every run; those of training are joined anew in each epoch',
      folds: ['official'],
      seeds: 3,
    },
  ],
  settings,
  metrics: [
    { key: 'errors', label: 'digit error rate', digits: 2, isShare: true },
    { key: 'whole', label: 'whole strings right', digits: 1, isShare: true },
  ],
  isLess: true,
  references: [],
  async open(folder) {
    return openStrings(await readRecordings(folder));
  },
};

export function openStrings(recordings: readonly Recording[]): OpenTask {
  const part = (name: Part) => recordings.filter(({ index }) => officialPart(index) === name);
  const train = part('train');
  const valid = makeStrings(part('valid'), 1, 2);
  // Each test recording stands in four strings, among others each time.
  const test = makeStrings(part('test'), 2, 4);
  const longest = longestFrames(recordings);
  const split = (_fold: string, seed: number): Split => ({
    batches: (epoch) => {
      const own = deriveSeed(seed, epoch);
      return batchSequences(makeStrings(train, own, 1), settings.batch, inputs, 'ctc', own);
    },
    stepsPerEpoch: Math.ceil(train.length / ((fewest + most) / 2) / settings.batch),
    capacity: { steps: longest, batch: capacityOf(valid, settings.batch).batch },
    validate: () => batchSequences(valid, settings.batch, inputs, 'ctc', 0),
    test: (model) => testStrings(model, test),
  });
  return {
    stack: stackOf,
    split,
    sample: test[0]!.values.slice(0, inputs),
    facts: { recordings: recordings.length, testStrings: test.length, testDigits: countDigits(test) },
  };
}

/**
 * Strings of recordings of one speaker each, every recording in as many strings as there are rounds: each round
 * shuffles a speaker's recordings and cuts them into strings. Digits, order, gaps and noise follow from the seed.
 * A remainder too small for a string is left out of its round.
 */
export function makeStrings(recordings: readonly Recording[], seed: number, rounds: number): Sequence[] {
  const made: Sequence[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [number, speaker] of speakers.entries()) {
      const own = deriveSeed(deriveSeed(seed, round), number);
      const random = seededRandom(own);
      const theirs = shuffle(
        recordings.filter((each) => each.speaker === speaker),
        own,
      );
      for (let first = 0; first + fewest <= theirs.length; ) {
        const count = fewest + Math.floor(random() * (most - fewest + 1));
        made.push(joinRecordings(theirs.slice(first, first + count), random));
        first += count;
      }
    }
  }
  return made;
}

function joinRecordings(parts: readonly Recording[], random: () => number): Sequence {
  const gap = () => {
    const seconds = shortestGap + random() * (longestGap - shortestGap);
    return Float32Array.from({ length: Math.round(seconds * rate) }, () => (2 * random() - 1) * noise);
  };
  const pieces = [gap(), ...parts.flatMap(({ samples }) => [samples, gap()])];
  const samples = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    samples.set(piece, at);
    at += piece.length;
  }
  const values = logMel(samples);
  const frames = Math.floor(values.length / inputs);
  return { values: values.subarray(0, frames * inputs), frames, label: parts.map(({ digit }) => digit + 1) };
}

/** No string of these recordings has more steps: so many of the longest, and all gaps at their longest. */
function longestFrames(recordings: readonly Recording[]): number {
  const longest = recordings.reduce((longer, { samples }) => Math.max(longer, samples.length), 0);
  const samples = most * longest + (most + 1) * Math.ceil(longestGap * rate);
  return Math.ceil(samples / rate / 0.01 / stacked);
}

function countDigits(sequences: readonly Sequence[]): number {
  return sequences.reduce((sum, { label }) => sum + (label as readonly number[]).length, 0);
}

async function testStrings(model: Model, sequences: readonly Sequence[]): Promise<Record<string, number>> {
  let errors = 0;
  let whole = 0;
  for await (const { sequence, y } of answerAll(model, sequences, inputs, classes)) {
    const said = decodeGreedy(y, 0, classes, sequence.frames, classes);
    const wrong = editDistance(sequence.label as readonly number[], said);
    errors += wrong;
    if (wrong === 0) whole++;
  }
  return { errors: errors / countDigits(sequences), whole: whole / sequences.length };
}

function stackOf(hidden: number, blocks: number): ModelSpec {
  return {
    layers: [
      { kind: 'lstm', name: 'lstm', inputSize: inputs, hiddenSize: hidden, blocks },
      { kind: 'linear', name: 'decoder', inputSize: hidden, outputSize: classes },
    ],
  };
}
