// How fast is an update of a language model, against PyTorch, at one number of threads? Run by main.ts in a process of
// its own; writes its findings to stdout as JSON.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '#dist/formats/safetensors.js';
import { createTrainer, type Trainer } from '#dist/train-node.js';
import type { Timing } from '../measure.js';
import { betterRoof, measureRoof, type Roof } from '../roof.js';
import { allGroups, type Group, makeTraining, type TrainCase, trainFlops } from './cases.js';
import { checkAgainstTorch, expectNear } from './check.js';
import { contest, type Runner } from './contest.js';
import { openRequest, startTorch, type Torch } from './torch.js';

/** ms per update, or per forward pass with the loss. Of torch: undefined where it has no such structure, or was not there. */
export interface TrainResult extends TrainCase {
  threads: number;
  flops: number;
  step: Timing;
  evaluate: Timing;
  /** N nn.LSTM side by side */
  torchBlocks?: Timing | undefined;
  /** one nn.LSTM of H units, whatever N is */
  torchDense?: Timing | undefined;
}

export interface TrainReport {
  threads: number;
  roof: Roof;
  /** the version, or why it was not measured */
  torch: { version: string; blas: string } | { missing: string };
  results: TrainResult[];
}

const threads = Number(process.argv[2]);
const budget = Number(process.argv[3]);
const wanted = process.argv.slice(4);

/** ms: OpenBLAS's threads spin for a while after a product. */
const restAfterThreads = 80;

const before = await measureRoof();
const folder = await mkdtemp(join(tmpdir(), 'bench-train-'));
const torch = await startTorch(threads);
const results: TrainResult[] = [];
try {
  if (typeof torch === 'string') process.stderr.write(`PyTorch is not measured: ${torch}\n`);
  else await checkAgainstTorch(torch, folder);
  for (const group of allGroups()) {
    if (wanted.length > 0 && !wanted.some((part) => group.name.includes(part))) continue;
    process.stderr.write(`threads ${threads}  ${group.name}\n`);
    results.push(...(await measureGroup(group, typeof torch === 'string' ? undefined : torch)));
  }
} finally {
  if (typeof torch !== 'string') torch.close();
  await rm(folder, { recursive: true });
}
const report: TrainReport = {
  threads,
  roof: betterRoof(before, await measureRoof()),
  torch: typeof torch === 'string' ? { missing: torch } : { version: torch.version, blas: torch.blas },
  results,
};
process.stdout.write(JSON.stringify(report), () => process.exit(0));

/** All structures of one model, ours and PyTorch's, in turns. */
async function measureGroup({ name, cases }: Group, torch: Torch | undefined): Promise<TrainResult[]> {
  const dense = `${name} dense`;
  const runners: Runner[] = [];
  const trainers: Trainer[] = [];
  for (const at of cases) {
    const training = makeTraining(at);
    const { spec, options, learningRate, batch } = training;
    const trainer = await createTrainer(spec, { ...options, threads });
    trainers.push(trainer);
    runners.push(
      timed(`step ${at.blocks}`, () => trainer.step(batch, learningRate)),
      timed(`evaluate ${at.blocks}`, () => trainer.evaluate(batch)),
    );
    if (torch === undefined || at.blocks === at.hidden) continue;
    const file = `${folder}/weights.safetensors`;
    await writeFile(file, writeSafetensors(trainer.tensors()));
    await torch.ask(openRequest(at.name, training, file));
    const { loss } = await torch.ask<{ loss: number }>({ call: 'loss', name: at.name });
    expectNear(`${at.name}: loss`, (await trainer.evaluate(batch)).loss, loss, 1e-4 * loss);
    const label = at.blocks === 1 ? dense : `torch ${at.blocks}`;
    runners.push({
      name: label,
      run: async (count) =>
        (await torch.ask<{ times: number[] }>({ call: 'steps', name: at.name, count })).times,
    });
  }
  const times = await contest(runners, budget, threads > 1 ? restAfterThreads : 0);
  for (const trainer of trainers) trainer.dispose();
  for (const at of cases)
    if (torch !== undefined && at.blocks !== at.hidden) await torch.ask({ call: 'close', name: at.name });
  return cases.map((at) => ({
    ...at,
    threads,
    flops: trainFlops(makeTraining(at)),
    step: times[`step ${at.blocks}`]!,
    evaluate: times[`evaluate ${at.blocks}`]!,
    torchBlocks: times[`torch ${at.blocks}`],
    torchDense: times[dense],
  }));
}

function timed(name: string, work: () => Promise<unknown>): Runner {
  return {
    name,
    run: async (count) => {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await work();
        times.push(performance.now() - start);
      }
      return times;
    },
  };
}
