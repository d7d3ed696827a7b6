import { checkSignal } from '../base/guards.js';
import { median } from './numbers.js';

/** How long to warm up, so that the engine has compiled its best code, and how long to measure, in ms. */
const warmUp = 300;
const window = 600;
const fewest = 5;
const mostRepeats = 300;

export interface Timing {
  /** median of a call */
  seconds: number;
  repeats: number;
}

/**
 * Times a call: again and again for a while without counting, then at least five times.
 * @param onProgress a share of 1, about
 */
export async function timeCalls(
  call: () => unknown,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Timing> {
  const breathe = async (share: number) => {
    onProgress(Math.min(1, share));
    // Ctrl-C is heard between two turns only.
    await new Promise((resolve) => setImmediate(resolve));
    checkSignal(signal);
  };
  const start = performance.now();
  do {
    await call();
    await breathe((performance.now() - start) / (warmUp + window));
  } while (performance.now() - start < warmUp);
  const times: number[] = [];
  const begin = performance.now();
  while (times.length < fewest || (performance.now() - begin < window && times.length < mostRepeats)) {
    const before = performance.now();
    await call();
    times.push(performance.now() - before);
    await breathe((performance.now() - start) / (warmUp + window));
  }
  return { seconds: median(times) / 1000, repeats: times.length };
}
