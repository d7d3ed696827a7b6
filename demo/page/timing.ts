/** ms that a sample takes at least: a page's clock may go in steps of a tenth of one. */
const sampleMs = 2;
const warmMs = 25;
const leastSamples = 7;
const enoughMs = 60;
/** Of something so slow that it is over before there are enough samples. */
const fewSamples = 5;
const tooLongMs = 1000;

/** The median of what a function gives that does some work and says how long it took, after a warm-up. */
export async function takeMedian(time: () => Promise<number>): Promise<number> {
  let start = performance.now();
  let runs = 0;
  for (; runs < 3 || performance.now() - start < warmMs; runs++) await time();
  const each = (performance.now() - start) / runs;
  const repeats = Math.max(1, Math.ceil(sampleMs / each));
  const samples: number[] = [];
  start = performance.now();
  for (;;) {
    let sum = 0;
    for (let i = 0; i < repeats; i++) sum += await time();
    samples.push(sum / repeats);
    const passed = performance.now() - start;
    if (samples.length >= leastSamples && passed >= enoughMs) break;
    if (samples.length >= fewSamples && passed >= tooLongMs) break;
  }
  return medianOf(samples) ?? Number.NaN;
}

/** The upper of the two in the middle of an even number; undefined of none. */
export function medianOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
