import { seededRandom } from '#dist/base/random.js';
import type { LayerSpec, LstmSpec, ModelSpec } from '#dist/model/spec.js';
import type { Batch, Optimizer, TrainerOptions } from '#dist/train.js';

/** A model and how it is trained. */
export interface TrainCase {
  /** its row's name; 'word' or 'byte', H and N */
  name: string;
  model: 'word' | 'byte';
  hidden: number;
  blocks: number;
  steps: number;
  batch: number;
}

/** Cases that are measured in turns: all structures of one model of one size. */
export interface Group {
  name: string;
  cases: TrainCase[];
}

const vocabulary = { word: 33_278, byte: 65 };

/** Word LM: two layers of 200 over 33,278 words, 35 × 20. Byte LM: one layer over 65 bytes, 64 × 32. */
export function allGroups(): Group[] {
  return [
    group('word', 200, [1, 8], { steps: 35, batch: 20 }),
    ...[512, 1024].map((hidden) => group('byte', hidden, [1, 4, 8, 16, hidden], { steps: 64, batch: 32 })),
  ];
}

/** The same two models, so small that every gradient can be compared. */
export function tinyGroups(): Group[] {
  return (['word', 'byte'] as const).map((model) => group(model, 24, [1, 4], { steps: 5, batch: 3 }));
}

function group(
  model: TrainCase['model'],
  hidden: number,
  blocks: number[],
  shape: { steps: number; batch: number },
): Group {
  const name = `${model} ${hidden}`;
  return {
    name,
    cases: blocks.map((count) => ({ name: `${name} ${count}`, model, hidden, blocks: count, ...shape })),
  };
}

export interface Training {
  spec: ModelSpec;
  options: Omit<TrainerOptions, 'threads' | 'tensors' | 'optimizer'> & {
    optimizer: Optimizer;
    dropout: number;
  };
  learningRate: number;
  batch: Batch & { x: Int32Array; targets: Int32Array };
}

/**
 * What a case trains: ids and targets are random, from a fixed seed.
 * @param classes in place of the model's own vocabulary
 * @param dropout in place of the model's own
 */
export function makeTraining(
  { model, hidden, blocks, steps, batch }: TrainCase,
  classes = vocabulary[model],
  dropout = model === 'word' ? 0.2 : 0,
): Training {
  const isWord = model === 'word';
  const size = isWord ? hidden : 64;
  const lstm = (index: number, inputSize: number): LstmSpec => ({
    ...{ kind: 'lstm', name: `lstm.${index}`, inputSize, hiddenSize: hidden, blocks },
  });
  const layers: LayerSpec[] = [
    { kind: 'embedding', name: 'embedding', count: classes, size },
    lstm(0, size),
    ...(isWord ? [lstm(1, hidden)] : []),
    { kind: 'linear', name: 'decoder', inputSize: hidden, outputSize: classes },
  ];
  const random = seededRandom(1);
  const draw = () => Int32Array.from({ length: steps * batch }, () => Math.floor(random() * classes));
  return {
    spec: { layers },
    options: {
      loss: { kind: 'steps' },
      optimizer: { kind: isWord ? 'sgd' : 'adam' },
      ...(isWord ? { clip: 0.25 } : {}),
      dropout,
      tie: isWord,
      capacity: { steps, batch },
      // What embeddings start with; a normal one would saturate a tied last layer.
      init: { embeddingRange: 0.1 },
    },
    learningRate: isWord ? 1 : 1e-3,
    batch: { x: draw(), targets: draw(), steps, batch },
  };
}

/**
 * Useful floating-point operations of one update, a multiply-add counting two: the products of the forward pass, and
 * twice as many for the gradients of their inputs and of their weights. Neither pointwise work nor the optimiser counts.
 */
export function trainFlops({ spec, batch: { steps, batch } }: Training): number {
  let weights = 0;
  for (const layer of spec.layers) {
    if (layer.kind === 'lstm') {
      const { inputSize, hiddenSize, blocks = 1 } = layer;
      weights += 4 * hiddenSize * (inputSize + hiddenSize / blocks);
    } else if (layer.kind === 'linear') weights += layer.inputSize * layer.outputSize;
  }
  return 3 * 2 * weights * steps * batch;
}
