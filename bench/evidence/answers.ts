import type { ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { createModel } from '#dist/node.js';
import type { Model } from '#dist/session/model.js';
import { joinSequences, type Sequence } from './sequences.js';

/** Streams of one run: as many as training has. */
const size = 32;

/** The model with a last layer that makes ln of probabilities of its logits: what tests read. */
export function openTested({ layers }: ModelSpec, tensors: Tensors, threads: number): Promise<Model> {
  const last = { kind: 'activation', name: 'probabilities', activation: 'logSoftmax' } as const;
  return createModel({ layers: [...layers, last] }, tensors, { threads });
}

/**
 * What a model says to sequences, through the package's own inference: for each, in their order, y [frames, O].
 * @param width I
 * @param outputs O
 */
export async function* answerAll(
  model: Model,
  sequences: readonly Sequence[],
  width: number,
  outputs: number,
): AsyncGenerator<{ sequence: Sequence; y: Float32Array }> {
  for (let first = 0; first < sequences.length; first += size) {
    const group = sequences.slice(first, first + size);
    const { x, steps, batch, lengths } = joinSequences(group, width, 'ctc');
    const run = await model.run(x as Float32Array, { steps, batch, lengths: lengths! });
    for (const [b, sequence] of group.entries()) {
      const y = new Float32Array(sequence.frames * outputs);
      for (let t = 0; t < sequence.frames; t++) {
        const from = (t * batch + b) * outputs;
        y.set(run.y.subarray(from, from + outputs), t * outputs);
      }
      yield { sequence, y };
    }
  }
}

/** Mean of y [frames, O] over the frames. */
export function meanOf(y: Float32Array, outputs: number): Float64Array {
  const mean = new Float64Array(outputs);
  const frames = y.length / outputs;
  for (let i = 0; i < y.length; i++) mean[i % outputs] = mean[i % outputs]! + y[i]! / frames;
  return mean;
}

/** Place of the first largest. */
export function argmax(x: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[best]!) best = i;
  return best;
}
