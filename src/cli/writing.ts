import { checkSignal } from '../base/guards.js';
import type { ByteModel } from './byte-model.js';
import { median } from './numbers.js';
import { sampleId } from './probability.js';

/** Text goes out after so many milliseconds at the latest: as often as a screen shows it. */
const pause = 16;
/** Of so many steps, the last ones, the time is kept. */
const mostTimes = 2 ** 16;
/** Most values of y at a time while the prompt is read. */
const mostValues = 2 ** 20;

export interface Written {
  /** from the first byte to the last; reading the prompt is not in it */
  seconds: number;
  /** median of the steps; undefined when there was none */
  stepSeconds: number | undefined;
  /** the last byte */
  last: number;
}

/**
 * Writes on from a prompt, one step a byte.
 * @param ids of the prompt, at least one
 * @param emit takes the bytes as they come
 * @throws AbortError; Error when the model gives NaN
 */
export async function writeText(
  byteModel: ByteModel,
  ids: Int32Array,
  chars: number,
  temperature: number,
  random: () => number,
  signal: AbortSignal,
  emit: (bytes: Uint8Array) => Promise<void>,
): Promise<Written> {
  const { model, vocab, width, output, inputOf } = byteModel;
  const session = model.session();
  const most = Math.max(1, Math.floor(mostValues / width));
  let y = new Float32Array(width);
  for (let at = 0; at < ids.length; at += most) {
    const result = await session.run(inputOf(ids.subarray(at, at + most)), { signal });
    y = result.y.slice(-width);
  }

  const times = new Float64Array(Math.min(mostTimes, chars - 1));
  const weights = new Float64Array(width);
  const id = new Int32Array(1);
  let waiting: number[] = [];
  const start = performance.now();
  let flushed = start;
  for (let i = 0; i < chars; i++) {
    id[0] = sampleId(y, output, temperature, random, weights);
    if (id[0] < 0) throw new Error(`the model gives NaN after ${i} bytes; its weights are broken.`);
    waiting.push(vocab[id[0]]!);
    if (i + 1 === chars) break;
    const before = performance.now();
    session.step(inputOf(id), y);
    const after = performance.now();
    times[i % mostTimes] = after - before;
    if (after - flushed < pause) continue;
    flushed = after;
    await emit(Uint8Array.from(waiting));
    waiting = [];
    // Ctrl-C is heard between two turns only.
    await new Promise((resolve) => setImmediate(resolve));
    checkSignal(signal);
  }
  const seconds = (performance.now() - start) / 1000;
  const last = waiting.at(-1)!;
  await emit(Uint8Array.from(waiting));
  const stepSeconds = times.length === 0 ? undefined : median(times) / 1000;
  return { seconds, stepSeconds, last };
}
