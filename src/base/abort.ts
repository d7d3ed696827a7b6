import { AbortError } from './errors.js';
import { checkSignal } from './guards.js';

/**
 * What the promise gives, unless the signal fires first. The work behind the promise goes on; nobody hears of it.
 * @throws AbortError
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new AbortError(signal.reason));
  });
  // It may never be raced against.
  aborted.catch(() => {});
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) promise.catch(() => {});
    checkSignal(signal);
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
