import type { Kernels } from './registry.js';

/**
 * Instantiates a binary over a memory at once, without AssemblyScript's loader: that builds a TextDecoder as it is
 * imported, which an audio worklet does not have, and web workers see no import map that would find it.
 */
export function instantiateNow(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
