import type { ModelSpec } from '#dist/model/spec.js';
import type { Model } from '#dist/session/model.js';
import { bands, logMel } from '../../../demo/page/audio/features.js';
import { answerAll, argmax, meanOf } from '../answers.js';
import {
  fsddSource,
  officialPart,
  type Part,
  type Recording,
  readRecordings,
  speakers,
} from '../recordings.js';
import { batchSequences, capacityOf, deriveSeed, type Sequence } from '../sequences.js';
import { structures } from '../sizes.js';
import type { OpenTask, Settings, Split, Task } from '../task.js';

const settings: Settings = {
  loss: { kind: 'steps' },
  optimizer: { kind: 'adamw', weightDecay: 0.01 },
  epochs: 25,
  learningRate: 0.004,
  batch: 32,
  clip: 1,
  dropout: 0.2,
};
const classes = 10;

export const digits: Task = {
  name: 'digits',
  title: 'Speech: one digit, a decision at every frame (Free Spoken Digit Dataset)',
  folder: 'fsdd',
  source: fsddSource,
  hidden: 128,
  structures,
  groups: [
    {
      name: 'official',
      text: 'recordings 0–4 of each speaker and digit are the test, 45–49 are for validation, the rest for training',
      folds: ['official'],
      seeds: 3,
    },
    {
      name: 'speakers',
      text: 'one speaker is left out of training and is the test, six times',
      folds: speakers,
      seeds: 1,
    },
  ],
  settings,
  metrics: [
    { key: 'accuracy', label: 'right, mean over frames', digits: 2, isShare: true },
    { key: 'last', label: 'right at the last frame', digits: 2, isShare: true },
  ],
  isLess: false,
  references: ['BiLSTM of 50 units 97.3–98.4 % (random splits; it reads the recording in both directions).'],
  async open(folder) {
    return openDigits(await readRecordings(folder));
  },
};

/** What a recording is for, in a fold: the official one, or the one that leaves a speaker out. */
export function partOf({ speaker, index }: Pick<Recording, 'speaker' | 'index'>, fold: string): Part {
  if (fold === 'official') return officialPart(index);
  if (speaker === fold) return 'test';
  return index < 45 ? 'train' : 'valid';
}

export function openDigits(recordings: readonly Recording[]): OpenTask {
  const all = recordings.map((recording) => {
    const values = logMel(recording.samples);
    return { recording, values, frames: values.length / bands, label: recording.digit };
  });
  const split = (fold: string, seed: number): Split => {
    const part = (name: Part): Sequence[] => all.filter(({ recording }) => partOf(recording, fold) === name);
    const train = part('train');
    const valid = part('valid');
    return {
      batches: (epoch) => batchSequences(train, settings.batch, bands, 'steps', deriveSeed(seed, epoch)),
      stepsPerEpoch: Math.ceil(train.length / settings.batch),
      capacity: capacityOf([...train, ...valid], settings.batch),
      validate: () => batchSequences(valid, settings.batch, bands, 'steps', 0),
      test: (model) => testDigits(model, part('test')),
    };
  };
  return {
    stack: stackOf,
    split,
    sample: all[0]!.values.slice(0, bands),
    facts: { recordings: all.length, frames: all.reduce((sum, { frames }) => sum + frames, 0) },
  };
}

async function testDigits(model: Model, sequences: readonly Sequence[]): Promise<Record<string, number>> {
  let right = 0;
  let rightAtLast = 0;
  for await (const { sequence, y } of answerAll(model, sequences, bands, classes)) {
    if (argmax(meanOf(y, classes)) === sequence.label) right++;
    if (argmax(y.subarray(-classes)) === sequence.label) rightAtLast++;
  }
  return { accuracy: right / sequences.length, last: rightAtLast / sequences.length };
}

function stackOf(hidden: number, blocks: number): ModelSpec {
  return {
    layers: [
      { kind: 'lstm', name: 'lstm', inputSize: bands, hiddenSize: hidden, blocks },
      { kind: 'linear', name: 'decoder', inputSize: hidden, outputSize: classes },
    ],
  };
}
