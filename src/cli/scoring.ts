import { checkSignal } from '../base/guards.js';
import type { ByteModel } from './byte-model.js';
import { logProbability } from './probability.js';

/** Most values of y at a time: 4 MB. */
const mostValues = 2 ** 20;

export interface Score {
  /** mean over all predictions, base 2 */
  bitsPerByte: number;
  /** predictions made */
  tokens: number;
}

/**
 * How well a model predicts a text. The ids are cut into B contiguous parts of P = floor(length / B), the remainder
 * dropped; the parts run side by side from a zero state, and each gives P - 1 predictions.
 * @param ids at least 2·B
 */
export async function scoreIds(
  { model, width, output, inputOf }: ByteModel,
  ids: Int32Array,
  streams: number,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<Score> {
  const part = Math.floor(ids.length / streams);
  const total = part - 1;
  const session = model.session({ batch: streams });
  const most = Math.max(1, Math.floor(mostValues / (streams * width)));
  const buffer = new Float32Array(Math.min(most, total) * streams * width);
  let nats = 0;
  for (let t0 = 0; t0 < total; t0 += most) {
    const steps = Math.min(most, total - t0);
    const input = new Int32Array(steps * streams);
    for (let t = 0; t < steps; t++) {
      for (let b = 0; b < streams; b++) input[t * streams + b] = ids[b * part + t0 + t]!;
    }
    const { y } = await session.run(inputOf(input), {
      steps,
      signal,
      out: buffer.subarray(0, steps * streams * width),
      onProgress: (done) => onProgress(t0 + done, total),
    });
    for (let t = 0; t < steps; t++) {
      for (let b = 0; b < streams; b++) {
        const next = ids[b * part + t0 + t + 1]!;
        nats -= logProbability(y, (t * streams + b) * width, width, next, output);
      }
    }
    // The next piece may be short: without this, Ctrl-C would wait for all of them.
    await new Promise((resolve) => setImmediate(resolve));
    checkSignal(signal);
  }
  const tokens = streams * total;
  return { bitsPerByte: nats / Math.LN2 / tokens, tokens };
}
