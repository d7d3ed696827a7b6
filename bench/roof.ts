import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { availableKernels, type KernelSet } from '#dist/wasm/features.js';

/** What one core can do at most, as measured here and now. */
export interface Roof {
  /** GFLOP/s of multiply-adds in registers, a multiply-add counting two */
  multiplyAdd: Partial<Record<KernelSet, number>>;
  /** GB/s of loads from a working set of so many KiB */
  bandwidth: { kib: number; gbs: number }[];
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const sizes = [16, 256, 1024, 4096, 16384, 65536];

/** Measures the roof of one thread: best of many short loops. */
export async function measureRoof(): Promise<Roof> {
  const multiplyAdd: Roof['multiplyAdd'] = {};
  let bandwidth: Roof['bandwidth'] = [];
  for (const kernels of availableKernels()) {
    const { multiply_add, stream } = await compileLoops(kernels);
    const rounds = 200_000;
    multiplyAdd[kernels] = (96 * rounds) / best(() => multiply_add(64, rounds), 40) / 1e6;
    bandwidth = sizes.map((kib) => {
      const times = Math.max(1, Math.floor(4096 / kib));
      const run = () => {
        for (let i = 0; i < times; i++) stream(64, 1024, kib * 1024);
      };
      return { kib, gbs: (kib * 1024 * times) / best(run, 20) / 1e6 };
    });
  }
  return { multiplyAdd, bandwidth };
}

/** The better of two measurements. */
export function betterRoof(a: Roof, b: Roof): Roof {
  const multiplyAdd = Object.fromEntries(
    availableKernels().map((kernels) => [
      kernels,
      Math.max(a.multiplyAdd[kernels] ?? 0, b.multiplyAdd[kernels] ?? 0),
    ]),
  );
  const bandwidth = a.bandwidth.map(({ kib, gbs }, i) => ({ kib, gbs: Math.max(gbs, b.bandwidth[i]!.gbs) }));
  return { multiplyAdd, bandwidth };
}

/** GB/s for a working set, between the measured sizes the one above. */
export function bandwidthFor({ bandwidth }: Roof, bytes: number): number {
  return (bandwidth.find(({ kib }) => bytes <= kib * 1024) ?? bandwidth.at(-1)!).gbs;
}

type Loops = {
  multiply_add: (out: number, rounds: number) => void;
  stream: (out: number, at: number, bytes: number) => void;
};

async function compileLoops(kernels: KernelSet): Promise<Loops> {
  await mkdir(`${root}build`, { recursive: true });
  const out = `build/roof-${kernels}.wasm`;
  const features = kernels === 'relaxed' ? ['--enable', 'relaxed-simd'] : [];
  const { error, stderr } = await asc.main([
    ...['bench/roof/loops.ts', '--baseDir', root, '-O3', '--runtime', 'stub', '--importMemory'],
    ...['--enable', 'simd', ...features, '-o', out],
  ]);
  if (error) throw new Error(`${stderr}`, { cause: error });
  const memory = new WebAssembly.Memory({ initial: (sizes.at(-1)! * 1024) / 65536 + 1 });
  new Float32Array(memory.buffer).fill(0.5);
  const { instance } = await WebAssembly.instantiate(await readFile(`${root}${out}`), { env: { memory } });
  return instance.exports as unknown as Loops;
}

/** ms */
function best(run: () => void, times: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
