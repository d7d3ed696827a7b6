// Does structure pay what it promises? The recurrent part alone (an input of one value makes the projection next to
// nothing): time of N blocks over time of the dense layer, against 1/N.
import { availableKernels } from '#dist/wasm/features.js';
import { drawLayer } from './cases.js';
import { compare } from './measure.js';
import { openOurs } from './rivals.js';

export interface StructureResult {
  hidden: number;
  blocks: number;
  steps: number;
  /** best ms of the layer with N blocks, and of the dense one, relaxed where there is such a thing */
  time: number;
  dense: number;
  /** time / dense · N: 1 is what structure promises */
  toPromise: number;
}

export async function measureStructure(budget: number): Promise<StructureResult[]> {
  const results: StructureResult[] = [];
  const kernels = availableKernels()[0]!;
  for (const hidden of [512, 1024, 2048]) {
    const steps = 100;
    const counts = [1, 4, 8, 16, hidden];
    const runtimes = await Promise.all(
      counts.map((blocks) =>
        openOurs(drawLayer({ hidden, blocks, inputs: 1, steps, batch: 1 }), { steps, batch: 1 }, 1, kernels),
      ),
    );
    const times = await compare(
      runtimes.map(({ run }, i) => ({ name: `${counts[i]}`, run })),
      budget,
    );
    for (const { dispose } of runtimes) dispose();
    const dense = times['1']!.best;
    for (const blocks of counts.slice(1)) {
      const time = times[`${blocks}`]!.best;
      results.push({ hidden, blocks, steps, time, dense, toPromise: (time / dense) * blocks });
    }
  }
  return results;
}
