import { UnsupportedError } from '../base/errors.js';
import { oneOf } from '../base/guards.js';

/** Which arithmetic: 'simd' gives the same bytes everywhere; 'relaxed' fuses multiply and add and is faster. */
export type KernelSet = 'simd' | 'relaxed';

/**
 * The binaries: each set for a memory of one's own and for one shared with threads; those of the family run every model,
 * the others plain stacks.
 */
export type BinaryName = `${'' | 'family-'}${KernelSet}${'' | '-shared'}`;

/** Whether a binary is one of the family. */
export function isFamily(name: BinaryName): boolean {
  return name.startsWith('family-');
}

// The smallest modules that use one feature each: () → v128, with i32x4.splat(0), or with
// f32x4.relaxed_madd of three such vectors.
const header = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const splat = [65, 0, 253, 17];
const plainProbe = [...header, 8, 1, 6, 0, ...splat, 11];
const relaxedProbe = [...header, 19, 1, 17, 0, ...splat, ...splat, ...splat, 253, 133, 2, 11];

const validated = new Map<number[], boolean>();

function runs(probe: number[]): boolean {
  let answer = validated.get(probe);
  if (answer === undefined) {
    answer = typeof WebAssembly !== 'undefined' && WebAssembly.validate(new Uint8Array(probe));
    validated.set(probe, answer);
  }
  return answer;
}

/** The kernel sets that this engine runs, the faster first. */
export function availableKernels(): KernelSet[] {
  if (!runs(plainProbe)) return [];
  return runs(relaxedProbe) ? ['relaxed', 'simd'] : ['simd'];
}

/**
 * The kernel set for an `auto` or a named wish.
 * @throws UnsupportedError when the engine cannot run it; TypeError, RangeError for another word
 */
export function chooseKernels(wish: 'auto' | KernelSet): KernelSet {
  const available = availableKernels();
  if (available.length === 0) {
    throw new UnsupportedError('This engine has no WebAssembly SIMD; blockrnn needs it.', 'wasm-simd');
  }
  oneOf(wish, 'kernels', ['auto', 'simd', 'relaxed']);
  if (wish === 'auto') return available[0]!;
  if (!available.includes(wish)) {
    throw new UnsupportedError(
      "This engine has no relaxed SIMD: use kernels: 'auto' or 'simd', Node 22 or later, or Node 20 with " +
        '--experimental-wasm-relaxed-simd.',
      'wasm-relaxed-simd',
    );
  }
  return wish;
}

/** Whether a memory can be shared with other threads here. In a page that needs cross-origin isolation. */
export function canShareMemory(): boolean {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  return typeof SharedArrayBuffer !== 'undefined' && crossOriginIsolated !== false;
}
