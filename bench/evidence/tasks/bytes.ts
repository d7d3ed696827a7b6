import type { ModelSpec } from '#dist/model/spec.js';
import { readData } from '../files.js';
import { scoreText, startOf, streamBatches } from '../language.js';
import { deriveSeed } from '../sequences.js';
import { structures } from '../sizes.js';
import type { OpenTask, Settings, Split, Task } from '../task.js';

const settings: Settings = {
  loss: { kind: 'steps' },
  optimizer: { kind: 'adamw', weightDecay: 0.01 },
  epochs: 6,
  learningRate: 0.004,
  batch: 32,
  steps: 64,
  clip: 1,
  dropout: 0.1,
};
const embeddingSize = 64;

export const bytes: Task = {
  name: 'bytes',
  title: 'Language, byte level: tinyshakespeare',
  folder: 'tinyshakespeare',
  source:
    'input.txt of https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt; ' +
    'or any text named input.txt',
  hidden: 512,
  structures,
  groups: [
    {
      name: 'official',
      text: 'by position: first 90 % train, next 5 % valid, last 5 % test',
      folds: ['all'],
      seeds: 2,
    },
  ],
  settings,
  metrics: [
    { key: 'nats', label: 'test nats per byte', digits: 4 },
    { key: 'accuracy', label: 'next byte right', digits: 1, isShare: true },
  ],
  isLess: true,
  references: [
    'minGRU 1.548 and minLSTM 1.555 test nats per character (Were RNNs All We Needed?, 90/10 split).',
  ],
  async open(folder) {
    return openText(await readData(folder, 'input.txt'));
  },
};

/** Text of a byte language model: its vocabulary is the bytes that it has, in order. */
export function openText(text: Uint8Array): OpenTask {
  const vocab = [...new Set(text)].sort((a, b) => a - b);
  const idOf = new Int32Array(256);
  for (const [id, byte] of vocab.entries()) idOf[byte] = id;
  const ids = Int32Array.from(text, (byte) => idOf[byte]!);
  const [train, valid, test] = splitText(ids);
  const width = vocab.length;
  const { batch, steps = 1 } = settings;
  const split = (seed: number): Split => ({
    batches: (epoch) => streamBatches(train, steps, batch, startOf(deriveSeed(seed, epoch), steps)),
    stepsPerEpoch: Math.floor(train.length / batch / steps),
    capacity: { steps, batch },
    validate: () => streamBatches(valid, steps, batch),
    test: (model) => scoreText(model, test, width),
  });
  return {
    stack: (hidden, blocks) => stackOf(width, hidden, blocks),
    split: (_fold, seed) => split(seed),
    sample: Int32Array.of(test[0] ?? 0),
    vocab,
    facts: { bytes: text.length, distinct: width },
  };
}

/** The first 90 %, the next 5 % and the rest. */
export function splitText(ids: Int32Array): [Int32Array, Int32Array, Int32Array] {
  const first = Math.floor(ids.length * 0.9);
  const second = Math.floor(ids.length * 0.95);
  return [ids.subarray(0, first), ids.subarray(first, second), ids.subarray(second)];
}

function stackOf(width: number, hidden: number, blocks: number): ModelSpec {
  return {
    layers: [
      { kind: 'embedding', name: 'embedding', count: width, size: embeddingSize },
      { kind: 'lstm', name: 'lstm', inputSize: embeddingSize, hiddenSize: hidden, blocks },
      { kind: 'linear', name: 'decoder', inputSize: hidden, outputSize: width },
    ],
  };
}
