import type { ModelSpec } from '#dist/model/spec.js';
import { readText } from '../files.js';
import { scoreText, startOf, streamBatches } from '../language.js';
import { deriveSeed } from '../sequences.js';
import type { OpenTask, Settings, Split, Task } from '../task.js';

const settings: Settings = {
  loss: { kind: 'steps' },
  optimizer: { kind: 'adamw', weightDecay: 0.01 },
  epochs: 5,
  learningRate: 0.002,
  batch: 20,
  steps: 35,
  clip: 1,
  dropout: 0.2,
  tie: true,
  // The same matrix makes the logits: normal ones would begin at hundreds of nats.
  init: { embeddingRange: 0.1 },
};

export const words: Task = {
  name: 'words',
  title: 'Language, word level: WikiText-2',
  folder: 'wikitext-2',
  source:
    'train.txt, valid.txt and test.txt of https://github.com/pytorch/examples/tree/main/word_language_model/data/wikitext-2; ' +
    'or any corpus of three such files, words between spaces (Penn Treebank, say)',
  hidden: 200,
  structures: ['dense', 'blocks-8'],
  groups: [{ name: 'official', text: 'the three files', folds: ['all'], seeds: 1 }],
  settings,
  metrics: [
    { key: 'perplexity', label: 'test perplexity', digits: 2 },
    { key: 'nats', label: 'test nats per word', digits: 4 },
    { key: 'accuracy', label: 'next word right', digits: 1, isShare: true },
  ],
  isLess: true,
  references: [
    '114.95 test perplexity (word_language_model of pytorch/examples, LSTM 2 × 200, 12 epochs).',
    '102.26 (gluon-nlp, 2 × 200 tied, long training).',
  ],
  levels: [
    { value: 114.95, label: '114.95 (test)' },
    { value: 102.26, label: '102.26 (test)' },
  ],
  async open(folder) {
    const texts = await Promise.all(
      ['train.txt', 'valid.txt', 'test.txt'].map((name) => readText(folder, name)),
    );
    return openCorpus(texts as [string, string, string]);
  },
};

/** @param texts of training, validation and test */
export function openCorpus(texts: readonly [string, string, string]): OpenTask {
  const idOf = new Map<string, number>();
  const [train, valid, test] = texts.map((text) => readWords(text, idOf)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const width = idOf.size;
  const { batch, steps = 1 } = settings;
  const split = (seed: number): Split => ({
    batches: (epoch) => streamBatches(train, steps, batch, startOf(deriveSeed(seed, epoch), steps)),
    stepsPerEpoch: Math.floor(train.length / batch / steps),
    capacity: { steps, batch },
    validate: () => streamBatches(valid, steps, batch),
    async test(model) {
      const { nats, accuracy } = await scoreText(model, test, width);
      return { perplexity: Math.exp(nats), nats, accuracy };
    },
  });
  return {
    stack: (hidden, blocks) => stackOf(width, hidden, blocks),
    split: (_fold, seed) => split(seed),
    sample: Int32Array.of(test[0] ?? 0),
    facts: { vocabulary: width, train: train.length, valid: valid.length, test: test.length },
  };
}

/** White space as Python's split has it, which made the published vocabulary: a byte order mark is a word there. */
const separator = /[^\S\ufeff]+/;

/** Ids in the order in which words first come; every line ends with `<eos>`, empty ones too. */
export function readWords(text: string, idOf: Map<string, number>): Int32Array {
  const ids: number[] = [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) {
    for (const word of [...line.split(separator).filter((part) => part !== ''), '<eos>']) {
      let id = idOf.get(word);
      if (id === undefined) idOf.set(word, (id = idOf.size));
      ids.push(id);
    }
  }
  return Int32Array.from(ids);
}

function stackOf(width: number, hidden: number, blocks: number): ModelSpec {
  return {
    layers: [
      { kind: 'embedding', name: 'embedding', count: width, size: hidden },
      { kind: 'lstm', name: 'lstm.0', inputSize: hidden, hiddenSize: hidden, blocks },
      { kind: 'lstm', name: 'lstm.1', inputSize: hidden, hiddenSize: hidden, blocks },
      { kind: 'linear', name: 'decoder', inputSize: hidden, outputSize: width },
    ],
  };
}
