import type { ModelSpec } from '#dist/model/spec.js';
import type { Model } from '#dist/session/model.js';
import { answerAll, argmax, meanOf } from '../answers.js';
import { readData, readText } from '../files.js';
import { batchSequences, capacityOf, deriveSeed, type Sequence } from '../sequences.js';
import { structures } from '../sizes.js';
import { MissingData, type OpenTask, type Settings, type Split, type Task } from '../task.js';

const settings: Settings = {
  loss: { kind: 'sequence', pool: 'mean' },
  optimizer: { kind: 'adamw', weightDecay: 0.05 },
  epochs: 60,
  learningRate: 0.003,
  batch: 16,
  clip: 1,
  dropout: 0.3,
};

export const poses: Task = {
  name: 'poses',
  title: 'Action: 14 actions from poses (JHMDB)',
  folder: 'jhmdb-poses',
  source:
    'clips.f32 and index.json, made of data/JHMDB of https://github.com/fandulu/DD-Net (its README says which fields)',
  hidden: 128,
  structures,
  groups: [
    {
      name: 'official',
      text: 'the three official splits; every figure is the mean of the three',
      folds: ['split1', 'split2', 'split3'],
      seeds: 3,
    },
  ],
  settings,
  metrics: [{ key: 'accuracy', label: 'right', digits: 1, isShare: true }],
  isLess: false,
  references: [
    '65.7 % (DD-Net lite) and 77.2 % (DD-Net), both on the full 21 actions: another, harder task.',
  ],
  async open(folder) {
    const values = await readData(folder, 'clips.f32');
    return openPoses(readIndex(await readText(folder, 'index.json')), values);
  },
};

export interface Index {
  joints: number;
  labels: string[];
  /** offset in floats */
  clips: { offset: number; frames: number; label: number }[];
  /** `split1_train`, `split1_test`, …: numbers of clips */
  splits: Record<string, number[]>;
}

export function readIndex(text: string): Index {
  const index = JSON.parse(text) as Index;
  for (const key of ['joints', 'labels', 'clips', 'splits'] as const)
    if (index[key] === undefined) throw new MissingData(`index.json has no "${key}"`);
  return index;
}

/** @param bytes of clips.f32: [frames, joints, 2] of each clip, little-endian */
export function openPoses(index: Index, bytes: Uint8Array): OpenTask {
  const width = 2 * index.joints;
  const classes = index.labels.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const clips = index.clips.map(({ offset, frames, label }, i): Sequence => {
    if (4 * (offset + frames * width) > bytes.length)
      throw new MissingData(`clip ${i} ends after the end of clips.f32`);
    const raw = Float32Array.from({ length: frames * width }, (_, k) =>
      view.getFloat32(4 * (offset + k), true),
    );
    return { values: centre(raw, width), frames, label };
  });
  const split = (fold: string, seed: number): Split => {
    const part = (name: string): Sequence[] => {
      const numbers = index.splits[`${fold}_${name}`];
      if (numbers === undefined) throw new MissingData(`index.json has no ${fold}_${name}`);
      return numbers.map((number) => clips[number]!);
    };
    const train = part('train');
    return {
      batches: (epoch) => batchSequences(train, settings.batch, width, 'sequence', deriveSeed(seed, epoch)),
      stepsPerEpoch: Math.ceil(train.length / settings.batch),
      capacity: capacityOf(train, settings.batch),
      test: (model) => testPoses(model, part('test'), width, classes),
    };
  };
  return {
    stack: (hidden, blocks) => stackOf(width, classes, hidden, blocks),
    split,
    sample: clips[0]!.values.slice(0, width),
    facts: { clips: clips.length, classes },
  };
}

/**
 * A clip about its own centre, and in units of its own size: minus the mean position of all joints and frames, over
 * the root of the mean square of x and y from there. Where people stand in the picture, and how large, is lost; how they
 * move through it stays.
 */
export function centre(values: Float32Array, width: number): Float32Array {
  const count = values.length / 2;
  const mean = [0, 0];
  for (const [i, value] of values.entries()) mean[i % 2] = mean[i % 2]! + value / count;
  let square = 0;
  for (const [i, value] of values.entries()) square += (value - mean[i % 2]!) ** 2 / values.length;
  const scale = square > 0 ? Math.sqrt(square) : 1;
  if (values.length % width !== 0) throw new RangeError(`${values.length} values are no frames of ${width}.`);
  return values.map((value, i) => (value - mean[i % 2]!) / scale);
}

async function testPoses(
  model: Model,
  sequences: readonly Sequence[],
  width: number,
  classes: number,
): Promise<Record<string, number>> {
  let right = 0;
  for await (const { sequence, y } of answerAll(model, sequences, width, classes))
    if (argmax(meanOf(y, classes)) === sequence.label) right++;
  return { accuracy: right / sequences.length };
}

function stackOf(width: number, classes: number, hidden: number, blocks: number): ModelSpec {
  return {
    layers: [
      { kind: 'lstm', name: 'lstm', inputSize: width, hiddenSize: hidden, blocks },
      { kind: 'linear', name: 'decoder', inputSize: hidden, outputSize: classes },
    ],
  };
}
