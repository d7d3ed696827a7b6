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

/** What one sample takes at least, so that the clock's own cost does not count. */
const sampleMs = 2;

/**
 * Times several contestants at the same work in turns, so that whatever else the machine does meets them all. Each
 * is warmed up first, until its code has been compiled for good.
 * @param budget ms per contestant, warm-up apart
 */
export async function compare(
  contestants: readonly Contestant[],
  budget: number,
): Promise<Record<string, Timing>> {
  const calls = new Map<string, number>();
  const samples = new Map<string, number[]>();
  for (const { name, run } of contestants) {
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
  const most = 400;
  for (
    let round = 0;
    round < most && (round < 5 || performance.now() - start < budget * contestants.length);
    round++
  ) {
    for (const { name, run } of contestants) {
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

async function sample(run: () => unknown, count: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = run();
    if (pending instanceof Promise) await pending;
  }
  return performance.now() - start;
}
