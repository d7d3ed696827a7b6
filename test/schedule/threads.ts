import type { Worker } from 'node:worker_threads';

/** Every worker thread that this process starts from now on, so that a test can count them and end one. */
export function watchThreads(): { threads: Worker[]; stop(): void } {
  const threads: Worker[] = [];
  const note = (worker: Worker) => threads.push(worker);
  process.on('worker', note);
  return { threads, stop: () => process.off('worker', note) };
}
