// What do two workers bring, does 'auto' ever lose, and what does a run on a resting crew cost?
import { availableKernels } from '#dist/wasm/features.js';
import { drawLayer } from './cases.js';
import { compare, type Timing } from './measure.js';
import { openOurs } from './rivals.js';

export interface ThreadsResult {
  hidden: number;
  blocks: number;
  steps: number;
  batch: number;
  /** ms a run: one thread, two workers, 'auto' */
  one: Timing;
  two: Timing;
  auto: Timing;
}

export interface CrewStart {
  /** µs of a run of next to no work, run after run: one thread, and a crew of two */
  one: Timing;
  two: Timing;
}

const cases = [
  { hidden: 64, blocks: 8, steps: 10, batch: 1 },
  { hidden: 64, blocks: 8, steps: 100, batch: 1 },
  { hidden: 256, blocks: 8, steps: 100, batch: 1 },
  { hidden: 512, blocks: 8, steps: 100, batch: 1 },
  { hidden: 1024, blocks: 8, steps: 100, batch: 1 },
  { hidden: 2048, blocks: 8, steps: 100, batch: 1 },
  { hidden: 512, blocks: 1, steps: 100, batch: 1 },
  { hidden: 1024, blocks: 1, steps: 100, batch: 1 },
  { hidden: 1024, blocks: 8, steps: 50, batch: 16 },
  { hidden: 512, blocks: 512, steps: 100, batch: 1 },
];

export async function measureThreads(budget: number): Promise<ThreadsResult[]> {
  const kernels = availableKernels()[0]!;
  const results: ThreadsResult[] = [];
  for (const at of cases) {
    const workload = drawLayer(at);
    const [one, two, auto] = await Promise.all(
      ([1, 2, 'auto'] as const).map((threads) => openOurs(workload, at, threads, kernels)),
    );
    const times = await compare(
      [
        { name: 'one', run: one!.run },
        { name: 'two', run: two!.run },
        { name: 'auto', run: auto!.run },
      ],
      budget,
      10,
    );
    for (const runtime of [one, two, auto]) runtime!.dispose();
    results.push({ ...at, one: times.one!, two: times.two!, auto: times.auto! });
  }
  return results;
}

export async function measureCrewStart(budget: number): Promise<CrewStart> {
  const at = { hidden: 8, blocks: 8, steps: 2, batch: 1 };
  const workload = drawLayer(at);
  const [one, two] = await Promise.all([1, 2].map((n) => openOurs(workload, at, n, availableKernels()[0]!)));
  const times = await compare(
    [
      { name: 'one', run: one!.run },
      { name: 'two', run: two!.run },
    ],
    budget,
  );
  one!.dispose();
  two!.dispose();
  const micro = ({ best, median }: Timing) => ({ best: best * 1000, median: median * 1000 });
  return { one: micro(times.one!), two: micro(times.two!) };
}
