// How fast is one LSTM layer, against onnxruntime-web and onnxruntime-node, at one number of threads? Run by main.ts
// in a process of its own; writes its findings to stdout as JSON.
import { availableKernels } from '#dist/wasm/features.js';
import { runOracle } from '../test/oracle/model.js';
import { findExcess } from '../test/oracle/tolerance.js';
import { allCases, type Case, drawLayer, flopsOf, type Workload, weightBytesOf } from './cases.js';
import { compare, type Timing } from './measure.js';
import { openNode, openOurs, openWeb, type Runtime } from './rivals.js';
import { betterRoof, measureRoof, type Roof } from './roof.js';

export interface LstmResult extends Case {
  threads: number;
  flops: number;
  weightBytes: number;
  /** ms per run, by runtime */
  times: Record<string, Timing>;
}

export interface LstmReport {
  threads: number;
  roof: Roof;
  results: LstmResult[];
}

const threads = Number(process.argv[2]);
const budget = Number(process.argv[3]);

/** ms: onnxruntime's threads spin for 25 to 40 after a run. */
const restAfterThreads = 80;

const before = await measureRoof();
const results: LstmResult[] = [];
const cases = allCases();
for (const [index, at] of cases.entries()) {
  const { hidden, blocks, steps, batch } = at;
  process.stderr.write(
    `\r${index + 1}/${cases.length}  threads ${threads}  H ${hidden}  N ${blocks}  T ${steps}  B ${batch}   `,
  );
  results.push(await measureCase(at));
}
process.stderr.write('\n');
const report: LstmReport = { threads, roof: betterRoof(before, await measureRoof()), results };
process.stdout.write(JSON.stringify(report), () => process.exit(0));

async function measureCase(at: Case): Promise<LstmResult> {
  const workload = drawLayer(at);
  const runtimes = [
    ...(await Promise.all(availableKernels().map((kernels) => openOurs(workload, at, threads, kernels)))),
    await openWeb(workload, at, threads),
    await openNode(workload, at, threads),
  ];
  await checkAll(workload, at, runtimes);
  const times = await compare(runtimes, budget, threads > 1 ? restAfterThreads : 0);
  for (const { dispose } of runtimes) dispose();
  return { ...at, threads, flops: flopsOf(at), weightBytes: weightBytesOf(at), times };
}

/**
 * Before anything is timed: the first steps must lie within the oracle's bound, and all the rest must agree with the
 * first runtime. Two programs that round differently drift apart by some roundoffs a step, so what is granted grows
 * with T; a wrong weight costs a thousand times as much.
 */
async function checkAll(workload: Workload, at: Case, runtimes: readonly Runtime[]): Promise<void> {
  const { hidden, batch, steps } = at;
  const some = Math.min(steps, 2);
  const { spec, tensors, x } = workload;
  const streams = x.subarray(0, some * batch * hidden);
  const oracle = runOracle(spec, tensors, streams, { steps: some, batch });
  let first: Float32Array | undefined;
  for (const { name, run, y } of runtimes) {
    await run();
    const given = y();
    const excess = findExcess(given.subarray(0, oracle.y.length), oracle.y, oracle.bound);
    if (excess !== null) throw new Error(`${name} is wrong: ${JSON.stringify({ at, excess })}`);
    first ??= given.slice();
    for (const [i, value] of given.entries()) {
      const apart = Math.abs(value - first[i]!);
      if (!(apart < 1e-6 * (10 + steps)))
        throw new Error(`${name} drifts by ${apart}: ${JSON.stringify(at)}`);
    }
  }
}
