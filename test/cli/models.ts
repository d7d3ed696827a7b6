import { seededRandom } from '#dist/base/random.js';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import type { ModelFile } from '#dist/model/tensors.js';
import { randomModel } from '../oracle/random.js';

/** The bytes of the small byte models: new line, space, comma, colon, the letters A-E. */
export const bytes = [10, 32, 44, 58, 65, 66, 67, 68, 69];

export interface Wish {
  /** put behind the last linear layer */
  end?: 'softmax' | 'logSoftmax' | 'tanh';
  /** without it the model reads one input for each byte */
  embedding?: boolean;
  vocab?: boolean;
}

/** A byte-level model of one LSTM of 12 units in 3 blocks. */
export function byteModel({ end, embedding = true, vocab = true }: Wish = {}): ModelFile {
  const layers: LayerSpec[] = [
    { kind: 'lstm', name: 'lstm.0', inputSize: embedding ? 5 : bytes.length, hiddenSize: 12, blocks: 3 },
    { kind: 'linear', name: 'decoder', inputSize: 12, outputSize: bytes.length },
  ];
  if (embedding) layers.unshift({ kind: 'embedding', name: 'embedding', count: bytes.length, size: 5 });
  if (end !== undefined) layers.push({ kind: 'activation', name: 'end', activation: end });
  const spec: ModelSpec = { layers };
  const tensors = randomModel(seededRandom(11), spec);
  // Larger weights than a fresh model's, so that predictions differ.
  for (const { data } of Object.values(tensors)) for (let i = 0; i < data.length; i++) data[i] = data[i]! * 3;
  return vocab ? { spec, tensors, vocab: bytes } : { spec, tensors };
}

/** A model of floats: GRU, then LSTM. */
export function floatModel(): ModelFile {
  const spec: ModelSpec = {
    layers: [
      { kind: 'gru', name: 'gru', inputSize: 4, hiddenSize: 6, blocks: 2 },
      { kind: 'lstm', name: 'lstm', inputSize: 6, hiddenSize: 8, blocks: 8 },
      { kind: 'linear', name: 'out', inputSize: 8, outputSize: 3 },
    ],
  };
  return { spec, tensors: randomModel(seededRandom(5), spec) };
}

/** Text of the byte models' vocabulary. */
export function textOf(length: number, seed = 1): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => bytes[Math.floor(random() * bytes.length)]!);
}
