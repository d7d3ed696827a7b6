import type { Kernels } from './registry.js';

/**
 * Instantiates a binary over a memory. AssemblyScript's own loader does it where it can be imported: it
 * answers the imports of a debug build (abort, trace) with readable errors. It builds a TextDecoder as it
 * is imported, which an audio worklet does not have; there the plain constructor does the same work.
 */
export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  const imports = { env: { memory } };
  if (typeof TextDecoder === 'undefined') {
    return new WebAssembly.Instance(module, imports).exports as unknown as Kernels;
  }
  const { instantiate: instantiateWithLoader } = await import('@assemblyscript/loader');
  const { instance } = await instantiateWithLoader(module, imports);
  return instance.exports as unknown as Kernels;
}
