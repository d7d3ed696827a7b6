// npm run bench:kernels [-- NAME …]: every exported kernel over its shapes, on one thread, and what share of the roof it
// reaches, so that a regression shows as a row.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { Bench } from 'tinybench';
import { placeTable } from '#dist/pack/table.js';
import { loadBinary } from '#dist/wasm/binaries.js';
import { availableKernels, type KernelSet } from '#dist/wasm/features.js';
import type { Kernels } from '#dist/wasm/registry.js';
import { type KernelRun, kernelRuns } from './kernel-runs.js';
import { measureRoof, type Roof } from './roof.js';

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

const wanted = process.argv.slice(2);
const roof = await measureRoof();
const results: KernelResult[] = [];
for (const set of availableKernels()) {
  const memory = new WebAssembly.Memory({ initial: 512 });
  const f32 = new Float32Array(memory.buffer);
  for (let i = 0; i < f32.length; i++) f32[i] = Math.sin(i * 12.9898) * 0.5;
  f32.fill(0, 31 * 2 ** 18);
  const table = 64;
  placeTable(f32, table / 4);
  const kernels = new WebAssembly.Instance(await loadBinary(set), { env: { memory } })
    .exports as unknown as Kernels;
  for (const [name, runs] of Object.entries(kernelRuns)) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    for (const run of runs) results.push(await measure(set, name, run, kernels, table, roof));
  }
}
const folder = new URL('../../bench/results/', import.meta.url);
if (wanted.length === 0) {
  await mkdir(folder, { recursive: true });
  const beside = new URL('kernels.json.part', folder);
  await writeFile(beside, `${JSON.stringify({ roof, results }, round, 1)}\n`);
  await rename(beside, new URL('kernels.json', folder));
}

async function measure(
  set: KernelSet,
  name: string,
  { shape, flops, items, call }: KernelRun,
  kernels: Kernels,
  table: number,
  { multiplyAdd }: Roof,
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
    result.ofRoof = result.gflops / multiplyAdd[set]!;
  } else {
    result.perItem = best / (items ?? 1);
  }
  const rate =
    result.gflops === undefined
      ? `${result.perItem!.toFixed(2)} ns each`
      : `${result.gflops.toFixed(1)} GFLOP/s  ${Math.round(100 * result.ofRoof!)} %`;
  process.stdout.write(
    `${set.padEnd(8)} ${name.padEnd(22)} ${shape.padEnd(24)} ${best.toFixed(0).padStart(9)} ns  ${rate}\n`,
  );
  return result;
}

function round(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
