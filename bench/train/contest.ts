import type { Timing } from '../measure.js';

/** One who takes part: `run` does the work so many times and says how many ms each took. */
export interface Runner {
  name: string;
  run(count: number): Promise<number[]>;
}

/** ms that one turn lasts at least */
const turn = 150;

/**
 * Times several runners in turns, each by its own clock, so that whatever else the machine does meets them all. Each is
 * warmed up first.
 * @param budget ms per runner, warm-up apart
 * @param rest ms before each turn: threads of the one before may spin for a while, on cores that the next one needs
 */
export async function contest(
  runners: readonly Runner[],
  budget: number,
  rest: number,
): Promise<Record<string, Timing>> {
  const least = 3;
  const entries = [];
  for (const { name, run } of runners) {
    let last = Number.POSITIVE_INFINITY;
    for (let warm = 0; warm < turn * 2; warm += last) [last] = (await run(1)) as [number];
    entries.push({ name, run, count: Math.max(1, Math.ceil(turn / last)), samples: [] as number[] });
  }
  const start = performance.now();
  for (let round = 0; round < least || performance.now() - start < budget * runners.length; round++) {
    for (const { run, count, samples } of entries) {
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      samples.push(...(await run(count)));
    }
  }
  return Object.fromEntries(
    entries.map(({ name, samples }) => {
      samples.sort((a, b) => a - b);
      return [name, { best: samples[0]!, median: samples[samples.length >> 1]! }];
    }),
  );
}
