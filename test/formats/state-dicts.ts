import { readModel } from '#dist/formats/read.js';
import { f32Bytes, ramp, recurrent, type Stored, stateDict } from './bytes.js';

/** Dense with the unit's own block filled: [gates·H, H]. */
export function blocky(gates: number, hiddenSize: number, blocks: number): Stored {
  const size = hiddenSize / blocks;
  const values = Array.from({ length: gates * hiddenSize * hiddenSize }, (_, at) => {
    const i = Math.floor(at / hiddenSize) % hiddenSize;
    return Math.floor(i / size) === Math.floor((at % hiddenSize) / size) ? 1 + at : 0;
  });
  return { shape: [gates * hiddenSize, hiddenSize], bytes: f32Bytes(values) };
}

/** A language model of PyTorch's modules. */
export const language = {
  'embedding.weight': ramp([7, 3]),
  ...recurrent('lstm.', 4, 3, 4),
  'decoder.weight': ramp([7, 4]),
  'decoder.bias': ramp([7]),
};

/** The layers that are found in such tensors. */
export const layersOf = (tensors: Record<string, Stored>, options?: object) =>
  readModel(stateDict(tensors), options).spec.layers;
