import { ArgumentRangeError } from '../../base/errors.js';
import { integer } from '../../base/guards.js';
import type { Batch } from '../types.js';
import type { Feed } from './feed.js';

/**
 * A corpus as streams for truncated backpropagation through time, cut as in PyTorch's word_language_model:
 *
 *   ids 0 1 2 … 12, batch 2     stream 0: 0 1 2 3 4 5     stream 1: 6 7 8 9 10 11     12 is dropped
 *   steps 3                     batch 0: 0 1 2 | 6 7 8 → 1 2 3 | 7 8 9
 *                               batch 1: 3 4   | 9 10  → 4 5   | 10 11, state carried on; fewer steps, kept
 *
 * Of the P = floor(length / B) ids of a stream the last P − 1 are predicted, from a zero state at the beginning of
 * every epoch.
 * @param batch B, streams side by side; fewer where the corpus has not two ids for each
 * @param steps T, the most of a batch
 * @throws RangeError when there is nothing to predict
 */
export function streamBatches(ids: Int32Array, batch: number, steps: number): Feed {
  integer(batch, 'batch', 1);
  integer(steps, 'steps', 1);
  if (ids.length < 2)
    throw new ArgumentRangeError(`${ids.length} ids leave nothing to predict; 2 are needed.`);
  const streams = Math.min(batch, ids.length >> 1);
  const length = Math.floor(ids.length / streams);
  const most = Math.min(steps, length - 1);
  return {
    count: Math.ceil((length - 1) / most),
    steps: most,
    batch: streams,
    targets: streams * (length - 1),
    *of() {
      for (let from = 0; from < length - 1; from += most) {
        const taken = Math.min(most, length - 1 - from);
        yield sliceOf(ids, length, streams, from, taken);
      }
    },
  };
}

function sliceOf(ids: Int32Array, length: number, batch: number, from: number, steps: number): Batch {
  const x = new Int32Array(steps * batch);
  const targets = new Int32Array(steps * batch);
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < batch; b++) {
      const at = b * length + from + t;
      x[t * batch + b] = ids[at]!;
      targets[t * batch + b] = ids[at + 1]!;
    }
  }
  return { x, steps, batch, targets, carry: from > 0 };
}
