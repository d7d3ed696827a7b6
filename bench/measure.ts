/** One who takes part in a comparison: `run` does the work once. */
export interface Contestant {
  name: string;
  run: () => unknown;
}

/** ms per run */
export interface Timing {
  best: number;
  median: number;
}

/**
 * Times several contestants at the same work in turns, so that whatever else the machine does meets them all. Each
 * is warmed up first, until its code has been compiled for good.
 * @param budget ms per contestant, warm-up apart
 * @param rest ms before each turn: threads of the one before may spin for a while, on cores that the next one needs
 */
export async function compare(
  contestants: readonly Contestant[],
  budget: number,
  rest = 0,
): Promise<Record<string, Timing>> {
  // What one sample takes at least, so that the clock's own cost does not count, nor that of waking threads.
  const sampleMs = rest > 0 ? 10 : 2;
  const calls = new Map<string, number>();
  const samples = new Map<string, number[]>();
  for (const { name, run } of contestants) {
    if (rest > 0) await pause(rest);
    await sample(run, 3);
    let count = 1;
    let warm = 0;
    for (;;) {
      const ms = await sample(run, count);
      warm += ms;
      if (ms < sampleMs)
        count = Math.min(count * 2, Math.ceil((count * sampleMs * 1.2) / Math.max(ms, 1e-3)));
      else if (warm > budget / 3) break;
    }
    calls.set(name, count);
    samples.set(name, []);
  }
  const start = performance.now();
  const least = rest > 0 ? 10 : 5;
  const most = 400;
  const isOver = (round: number) =>
    round >= most || (round >= least && performance.now() - start > budget * contestants.length);
  for (let round = 0; !isOver(round); round++) {
    for (const { name, run } of contestants) {
      if (rest > 0) await pause(rest);
      const count = calls.get(name)!;
      samples.get(name)!.push((await sample(run, count)) / count);
    }
  }
  return Object.fromEntries(
    [...samples].map(([name, times]) => {
      times.sort((a, b) => a - b);
      return [name, { best: times[0]!, median: times[times.length >> 1]! }];
    }),
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function sample(run: () => unknown, count: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = run();
    if (pending instanceof Promise) await pending;
  }
  return performance.now() - start;
}
