import { ArgumentTypeError } from '../base/errors.js';
import { integer, show } from '../base/guards.js';
import { canShareMemory } from '../wasm/features.js';

const mostThreads = 64;
let hasWarned = false;

/**
 * A number of threads for what was asked. Where there can be no more than one it is 1, whatever was asked, and the
 * console says once what would change that: a page must not break because of how it is served.
 * @param wish 1..64 or 'auto'
 * @param possible whether this runtime has workers
 * @throws TypeError, RangeError
 */
export function countThreads(wish: unknown, possible: boolean, cores: () => number): number {
  if (wish !== 'auto' && typeof wish !== 'number') {
    throw new ArgumentTypeError(`threads must be a number or 'auto', got ${show(wish)}.`);
  }
  const threads = wish === 'auto' ? wish : integer(wish, 'threads', 1, mostThreads);
  if (threads === 1) return 1;
  const shares = canShareMemory();
  if (!possible || !shares) {
    warnOnce(shares);
    return 1;
  }
  return threads === 'auto' ? Math.max(1, Math.min(mostThreads, cores())) : threads;
}

function warnOnce(shares: boolean): void {
  if (hasWarned) return;
  hasWarned = true;
  console.warn(
    shares
      ? 'blockrnn: there are no worker threads here; models run on one thread.'
      : 'blockrnn: this page is not cross-origin isolated; models run on one thread. For more, serve it with the ' +
          'headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
  );
}
