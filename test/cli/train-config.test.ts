import { describe, expect, test } from 'vitest';
import { parseConfig } from '#dist/cli/train/config.js';
import { specOf } from '#dist/cli/train/stack.js';
import type { Json } from '#dist/formats/json.js';

const bytes = { task: { kind: 'bytes', text: 'a.txt' }, model: { hidden: 12 } };
const sequences = { task: { kind: 'sequences', file: 'a.csv' }, model: { hidden: 12 } };
const words = { task: { kind: 'words', train: 'a' }, model: { hidden: 12 } };

test('defaults', () => {
  expect(parseConfig(bytes)).toEqual({
    task: { kind: 'bytes', text: { all: 'a.txt', split: [0.9, 0.05, 0.05] } },
    model: { cell: 'lstm', hidden: 12, layers: 1, blocks: 1, embedding: undefined, tie: false },
    train: {
      epochs: 10,
      batch: 32,
      steps: 64,
      rate: { learningRate: 2e-3 },
      optimizer: { kind: 'adam' },
      clip: undefined,
      dropout: 0,
      seed: 1,
      init: {},
      threads: undefined,
      kernels: 'auto',
      pool: 'last',
      normalize: false,
    },
    out: undefined,
  });
  expect(parseConfig(sequences)).toMatchObject({
    task: { kind: 'sequences', file: { all: 'a.csv' }, features: 1, labels: undefined },
    train: { pool: 'last', normalize: true },
  });
});

const model = (change: object, to: object = bytes) => ({ ...to, model: { hidden: 12, ...change } });
const train = (change: object, to: object = bytes) => ({ ...to, train: change });
const task = (change: object, to = bytes) => ({ ...to, task: { ...to.task, ...change } });
const wrong: [object | unknown[], string][] = [
  [[], 'the file must be an object'],
  [{}, 'task must be an object, got undefined'],
  [{ ...bytes, Train: {} }, 'Train is unknown; the file may have task, model, train, out.'],
  [{ ...bytes, out: '' }, 'out must be a string'],
  [task({ kind: 'letters' }), 'task.kind must be one of bytes, words, sequences, got "letters"'],
  [{ ...bytes, task: {} }, 'task.kind is missing'],
  [task({ features: 3 }), 'task.features is unknown; task may have kind, text, split.'],
  [{ ...bytes, task: { kind: 'bytes' } }, 'task.text is missing'],
  [task({ text: 3 } as never), 'task.text must be a path, or'],
  [
    task({ text: { train: 'a', dev: 'b' } } as never),
    'task.text.dev is unknown; task.text may have train, valid, test.',
  ],
  [task({ text: { valid: 'a' } } as never), 'task.text.train is missing'],
  [
    task({ text: { train: 'a' }, split: [1] } as never),
    'task.split must be left out where task.text has the parts',
  ],
  [task({ split: [0.9, 0.2] }), 'split must be 1..3 shares whose sum is 1'],
  [task({ split: 0.9 }), 'task.split must be an array of 1..3 numbers'],
  [{ ...words, task: { kind: 'words' } }, 'task.train is missing'],
  [task({ labels: ['a'] }, sequences as never), 'task.labels must be an array of two or more'],
  [task({ labels: ['1', 1] }, sequences as never), 'task.labels must be an array of two or more'],
  [{ ...bytes, model: {} }, 'model.hidden is missing'],
  [model({ cell: 'rnn' }), 'model.cell must be one of lstm, gru, elman'],
  [model({ blocks: 5 }), 'model.blocks must be a divisor of hidden, 12, or "diagonal", got 5'],
  [model({ blocks: 'all' }), 'model.blocks must be a whole number'],
  [model({ tie: true, embedding: 5 }), 'model.embedding must be as large as hidden, 12'],
  [model({ tie: 1 }), 'model.tie must be true or false'],
  [
    model({ embedding: 5 }, sequences),
    'model.embedding is unknown; model may have spec, cell, hidden, layers, blocks.',
  ],
  [model({ spec: {} }), 'model.hidden is unknown; model may have tie, spec.'],
  [train({ epochs: 0 }), 'train.epochs must be a whole number within 1..'],
  [train({ steps: 3 }, sequences), 'train.steps is unknown'],
  [train({ pool: 'last' }), 'train.pool is unknown'],
  [train({ pool: 'max' }, sequences), 'train.pool must be one of last, mean'],
  [train({ dropout: 1 }), 'train.dropout must be a number from 0 to below 1, got 1'],
  [train({ clip: 0 }), 'train.clip must be a number above 0'],
  [train({ learningRate: '1' }), 'train.learningRate must be a number above 0, got "1"'],
  [train({ learningRate: 1, schedule: {} }), 'train.learningRate must be left out where there is a schedule'],
  [
    train({ optimizer: { kind: 'sgd', beta1: 0.9 } }),
    'train.optimizer.beta1 is unknown; train.optimizer may have kind, momentum',
  ],
  [train({ optimizer: {} }), 'train.optimizer.kind is missing'],
  [train({ optimizer: 'adam' }), 'train.optimizer must be an object, got "adam"'],
  [
    train({ init: { forget: 1 } }),
    'train.init.forget is unknown; train.init may have forgetBias, embeddingRange.',
  ],
  [train({ init: { embeddingRange: -1 } }), 'train.init.embeddingRange must be a number of at least 0'],
  [train({ threads: 65 }), 'train.threads must be'],
  [train({ seed: 0.5 }), 'train.seed must be a whole number'],
];

test.each(wrong)('%j is refused', (json, message) => {
  expect(() => parseConfig(json as Json)).toThrow(message);
});

describe('layers', () => {
  const ids = { reads: 'ids', count: 7, outputs: 7, embedding: 64 } as const;
  const values = { reads: 'values', features: 2, outputs: 3 } as const;
  const layers = (json: object, ends: typeof ids | typeof values) =>
    specOf(parseConfig(json as Json).model, ends).layers.map((layer) =>
      layer.kind === 'embedding'
        ? [layer.count, layer.size]
        : 'inputSize' in layer
          ? layer.inputSize
          : layer.kind,
    );

  test('an embedding of its own size, of the task, or of the decoder it is tied to', () => {
    expect(layers(model({ embedding: 5, layers: 2 }), ids)).toEqual([[7, 5], 5, 12, 12]);
    expect(layers(bytes, ids)).toEqual([[7, 64], 64, 12]);
    expect(layers(model({ tie: true }), ids)).toEqual([[7, 12], 12, 12]);
    expect(layers(sequences, values)).toEqual([2, 12]);
  });

  const own = (...list: object[]) => ({ ...bytes, model: { spec: { layers: list } } });
  const embedding = { kind: 'embedding', name: 'e', count: 7, size: 4 };
  const lstm = { kind: 'lstm', name: 'l', inputSize: 4, hiddenSize: 7 };

  test('a spec of one’s own is taken when it fits', () => {
    expect(layers(own(embedding, lstm), ids)).toEqual([[7, 4], 4]);
    expect(() => layers(own({ ...embedding, count: 6 }, lstm), ids)).toThrow('embedding of 7 rows');
    expect(() => layers(own(lstm), ids)).toThrow('embedding of 7 rows');
    expect(() => layers(own(embedding, { ...lstm, hiddenSize: 8 }), ids)).toThrow(
      '8 outputs, the data 7 classes',
    );
    expect(() => layers(own(lstm), values)).toThrow('inputSize is 2');
    expect(() => layers(own({ ...embedding, size: 3 }, lstm), ids)).toThrow('the layer before it gives 3');
  });
});
