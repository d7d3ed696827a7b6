import type { ModelSpec } from '#dist/model/spec.js';
import type { Model } from '#dist/session/model.js';
import { points, relate } from '../../../demo/page/motion/path.js';
import { answerAll, argmax } from '../answers.js';
import { readText } from '../files.js';
import { batchSequences, capacityOf, deriveSeed, type Sequence } from '../sequences.js';
import { structures } from '../sizes.js';
import { MissingData, type OpenTask, type Settings, type Split, type Task } from '../task.js';

const settings: Settings = {
  loss: { kind: 'sequence', pool: 'last' },
  optimizer: { kind: 'adamw', weightDecay: 0.01 },
  epochs: 25,
  learningRate: 0.003,
  batch: 64,
  clip: 1,
};
const classes = 4;
const stretches = 5;

export const gestures: Task = {
  name: 'gestures',
  title: 'Action: hand gestures from the path of a fingertip',
  folder: 'hand-gestures',
  source:
    'point_history.csv of https://github.com/kinivi/hand-gesture-recognition-mediapipe (model/point_history_classifier)',
  hidden: 96,
  structures,
  groups: [
    {
      name: 'stretches',
      text:
        'each contiguous run of a gesture is cut into five stretches; each of the five is the test once, and rows that ' +
        'share positions with it are left out of training',
      folds: ['stretch1', 'stretch2', 'stretch3', 'stretch4', 'stretch5'],
      seeds: 3,
    },
  ],
  settings,
  metrics: [{ key: 'accuracy', label: 'right', digits: 2, isShare: true }],
  isLess: false,
  references: [],
  async open(folder) {
    return openGestures(readRows(await readText(folder, 'point_history.csv')));
  },
};

/** A gesture: its label, and positions [16, 2] relative to the first. */
export function readRows(text: string): Sequence[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line, i) => {
      const [label = Number.NaN, ...row] = line.split(',').map(Number);
      const isRow = row.length === 2 * points && row.every(Number.isFinite);
      if (!isRow || !Number.isInteger(label) || label < 0 || label >= classes)
        throw new MissingData(`line ${i + 1} of point_history.csv is no label and ${2 * points} numbers`);
      return { values: relate(row), frames: points, label };
    });
}

/** The contiguous runs of rows with one label: [first, end). */
export function findRuns(rows: readonly Pick<Sequence, 'label'>[]): [number, number][] {
  const runs: [number, number][] = [];
  for (let at = 0; at < rows.length; at++) {
    const run = runs.at(-1);
    if (run !== undefined && rows[run[0]]!.label === rows[at]!.label) run[1] = at + 1;
    else runs.push([at, at + 1]);
  }
  return runs;
}

/**
 * Which rows are the test of a fold, and which are for training. Row r of a run was taken one picture after row r − 1
 * and shares 15 of its positions, so rows nearer than 16 to a tested one are neither.
 * @param fold 0..4
 */
export function splitRows(
  rows: readonly Pick<Sequence, 'label'>[],
  fold: number,
): { train: number[]; test: number[] } {
  const train: number[] = [];
  const test: number[] = [];
  for (const [first, end] of findRuns(rows)) {
    const border = (stretch: number) => first + Math.floor(((end - first) * stretch) / stretches);
    for (let row = first; row < end; row++) {
      if (row >= border(fold) && row < border(fold + 1)) test.push(row);
      else if (row < border(fold) - points || row >= border(fold + 1) + points) train.push(row);
    }
  }
  return { train, test };
}

export function openGestures(rows: readonly Sequence[]): OpenTask {
  const split = (fold: string, seed: number): Split => {
    const { train, test } = splitRows(rows, Number(fold.slice('stretch'.length)) - 1);
    const of = (numbers: readonly number[]) => numbers.map((number) => rows[number]!);
    return {
      batches: (epoch) => batchSequences(of(train), settings.batch, 2, 'sequence', deriveSeed(seed, epoch)),
      stepsPerEpoch: Math.ceil(train.length / settings.batch),
      capacity: capacityOf(of(train), settings.batch),
      test: (model) => testGestures(model, of(test)),
    };
  };
  return { stack: stackOf, split, sample: rows[0]!.values.slice(0, 2), facts: { rows: rows.length } };
}

async function testGestures(model: Model, sequences: readonly Sequence[]): Promise<Record<string, number>> {
  let right = 0;
  for await (const { sequence, y } of answerAll(model, sequences, 2, classes))
    if (argmax(y.subarray(-classes)) === sequence.label) right++;
  return { accuracy: right / sequences.length };
}

function stackOf(hidden: number, blocks: number): ModelSpec {
  return {
    layers: [
      { kind: 'lstm', name: 'lstm', inputSize: 2, hiddenSize: hidden, blocks },
      { kind: 'linear', name: 'decoder', inputSize: hidden, outputSize: classes },
    ],
  };
}
