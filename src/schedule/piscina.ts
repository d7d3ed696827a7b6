import { WorkerError } from '../base/errors.js';
import type { Hire } from './crew.js';
import type { Signalled } from './shift.js';

/** Hires the workers that run models. */
export const hirePiscina: Hire = /* @__PURE__ */ hireFor(new URL('./post.js', import.meta.url));

/**
 * Hires Piscina workers that run a script. Each takes one task, its contract, answers when it is ready, and then leaves
 * Piscina's queue alone for its shift: pieces come through shared memory. A resting worker therefore does not keep the
 * process alive, and Piscina still watches over its thread.
 * @param post the script, whose default export takes a contract
 */
export function hireFor<P extends Signalled>(post: URL): Hire<P> {
  return async (contracts, onDeath) => {
    const [{ Piscina }, { fileURLToPath }] = await Promise.all([import('piscina'), import('node:url')]);
    const n = contracts.length;
    const pool = new Piscina({
      filename: fileURLToPath(post),
      minThreads: n,
      maxThreads: n,
      idleTimeout: Number.POSITIVE_INFINITY,
      // With an environment of their own, which they have no use for, workers need no permission to read it in Deno.
      env: {},
      // Piscina's own blocking wait would keep the shift from beginning.
      atomics: 'disabled',
    });
    let dismissed = false;
    let cause: unknown;
    pool.on('error', (error) => {
      cause = error;
    });
    pool.on('workerDestroy', () => {
      // The error event of a thread comes just after it has been destroyed.
      if (!dismissed) queueMicrotask(() => onDeath(cause));
    });
    const crew = {
      async dismiss() {
        dismissed = true;
        await pool.destroy();
      },
    };
    try {
      await Promise.all(contracts.map((contract) => pool.run(contract)));
    } catch (error) {
      await crew.dismiss();
      throw new WorkerError('The worker threads could not be started.', error);
    }
    return crew;
  };
}
