// npm run bench:kernels [-- NAME …]: every exported kernel over its shapes, on one thread, and what share of the roof it
// reaches, so that a regression shows as a row.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { Bench } from 'tinybench';
import { placeTable } from '#dist/pack/table.js';
import { type LoadBinary, loadBinary } from '#dist/wasm/binaries.js';
import { availableKernels, type KernelSet } from '#dist/wasm/features.js';
import type { Kernels } from '#dist/wasm/registry.js';
import { loadTrainBinary } from '#dist/wasm/train-binaries.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import { type KernelRun, kernelRuns } from './kernel-runs.js';
import { measureRoof } from './roof.js';
import { trainKernelRuns } from './train/kernel-runs.js';

// Node 20 has relaxed SIMD behind a flag; later versions have it without, and do not know the flag.
if (Number(process.versions.node.split('.')[0]) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');

export interface KernelResult {
  kernels: KernelSet;
  name: string;
  shape: string;
  /** ns a call, best and median */
  best: number;
  median: number;
  /** GFLOP/s of a multiply-add kernel, and their share of the roof */
  gflops?: number;
  ofRoof?: number;
  /** ns for one unit, element or value of the others */
  perItem?: number;
}

/** where the constants lie */
const table = 64;
const wanted = process.argv.slice(2);
const roof = await measureRoof();
const results: KernelResult[] = [];
for (const set of availableKernels()) {
  await measureAll(set, (await open(loadBinary, set)) as Kernels, kernelRuns);
  await measureAll(set, (await open(loadTrainBinary, set)) as TrainKernels, trainKernelRuns);
}
const folder = new URL('../../bench/results/', import.meta.url);
if (wanted.length === 0) {
  await mkdir(folder, { recursive: true });
  const beside = new URL('kernels.json.part', folder);
  await writeFile(beside, `${JSON.stringify({ roof, results }, round, 1)}\n`);
  await rename(beside, new URL('kernels.json', folder));
}

/** A binary over a memory of values about 0.5 large, constants at `table`, and zeros in its last MiB. */
async function open(load: LoadBinary, set: KernelSet): Promise<unknown> {
  const memory = new WebAssembly.Memory({ initial: 512 });
  const f32 = new Float32Array(memory.buffer);
  for (let i = 0; i < f32.length; i++) f32[i] = Math.sin(i * 12.9898) * 0.5;
  f32.fill(0, 31 * 2 ** 18);
  placeTable(f32, table / 4);
  return new WebAssembly.Instance(await load(set), { env: { memory } }).exports;
}

async function measureAll<K>(
  set: KernelSet,
  kernels: K,
  all: Readonly<Record<string, KernelRun<K>[]>>,
): Promise<void> {
  for (const [name, runs] of Object.entries(all)) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    for (const run of runs) results.push(await measure(set, name, run, kernels));
  }
}

async function measure<K>(
  set: KernelSet,
  name: string,
  { shape, flops, items, call }: KernelRun<K>,
  kernels: K,
): Promise<KernelResult> {
  // A call may take less than the clock can tell: so many of them make a task.
  const work = flops ?? (items ?? 1) * 20;
  const repeats = Math.max(1, Math.round(4e5 / work));
  const bench = new Bench({ time: 120, warmupTime: 60, iterations: 5 });
  bench.add(name, () => {
    for (let i = 0; i < repeats; i++) call(kernels, table);
  });
  await bench.run();
  const { latency } = bench.tasks[0]!.result as { latency: { min: number; p50: number } };
  const best = (latency.min * 1e6) / repeats;
  const result: KernelResult = { kernels: set, name, shape, best, median: (latency.p50 * 1e6) / repeats };
  if (flops !== undefined) {
    result.gflops = flops / best;
    result.ofRoof = result.gflops / roof.multiplyAdd[set]!;
  } else {
    result.perItem = best / (items ?? 1);
  }
  const rate =
    result.gflops === undefined
      ? `${result.perItem!.toFixed(2)} ns each`
      : `${result.gflops.toFixed(1)} GFLOP/s  ${Math.round(100 * result.ofRoof!)} %`;
  process.stdout.write(
    `${set.padEnd(8)} ${name.padEnd(26)} ${shape.padEnd(30)} ${best.toFixed(0).padStart(9)} ns  ${rate}\n`,
  );
  return result;
}

function round(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
