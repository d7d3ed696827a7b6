/** ms that a sample takes at least: a page's clock may go in steps of a tenth of one. */
const sampleMs = 2;
const warmMs = 40;
const leastSamples = 9;
const enoughMs = 150;
/** Of something so slow that it is over before there are enough samples. */
const fewSamples = 5;
const tooLongMs = 1500;

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
  samples.sort((a, b) => a - b);
  return samples[samples.length >> 1] ?? Number.NaN;
}
