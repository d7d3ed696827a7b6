import { seededRandom } from '#dist/base/random.js';
import type { Model } from '#dist/session/model.js';
import type { Batch } from '#dist/train/types.js';
import { argmax } from './answers.js';

/**
 * A text in B streams, cut into pieces of T: the state goes on from piece to piece, and each id is to foretell the
 * next. What does not fill the last piece is left out.
 * @param start where the streams begin: another place in each epoch cuts the text elsewhere
 */
export function* streamBatches(ids: Int32Array, steps: number, batch: number, start = 0): Generator<Batch> {
  const length = Math.floor((ids.length - 1 - start) / batch);
  for (let from = 0; from + steps <= length; from += steps) {
    const x = new Int32Array(steps * batch);
    const targets = new Int32Array(steps * batch);
    for (let b = 0; b < batch; b++) {
      const at = start + b * length + from;
      for (let t = 0; t < steps; t++) {
        x[t * batch + b] = ids[at + t]!;
        targets[t * batch + b] = ids[at + t + 1]!;
      }
    }
    yield { x, steps, batch, targets, carry: from > 0 };
  }
}

/** Where the streams of an epoch begin, within [0, T). */
export function startOf(seed: number, steps: number): number {
  return Math.floor(seededRandom(seed)() * steps);
}

/**
 * Mean nats of each id after the first, given all before it, in one stream from a zero state, and how many are
 * foretold rightly. The sum is in f64.
 */
export async function scoreText(
  model: Model,
  ids: Int32Array,
  width: number,
): Promise<{ nats: number; accuracy: number }> {
  // Of 33,000 words, the outputs of so many steps are some 13 MB.
  const piece = width > 1000 ? 100 : 1000;
  const session = model.session();
  const count = ids.length - 1;
  let nats = 0;
  let hits = 0;
  for (let from = 0; from < count; from += piece) {
    const steps = Math.min(piece, count - from);
    const { y } = await session.run(ids.subarray(from, from + steps), { steps });
    for (let t = 0; t < steps; t++) {
      const row = y.subarray(t * width, (t + 1) * width);
      const next = ids[from + t + 1]!;
      nats -= row[next]!;
      if (argmax(row) === next) hits++;
    }
  }
  return { nats: nats / count, accuracy: hits / count };
}
