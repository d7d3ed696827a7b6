import { instantiateNow } from './instance-now.js';
import type { Kernels } from './registry.js';

/** Instantiates a binary over a memory. */
export type Instantiate = (module: WebAssembly.Module, memory: WebAssembly.Memory) => Kernels;

/**
 * AssemblyScript's own loader does it where it can be imported: it answers the imports of a debug build (abort, trace)
 * with readable errors. In a page without a bundler or an import map its name leads nowhere; there the plain constructor
 * does the same work.
 */
export async function loadInstantiate(): Promise<Instantiate> {
  const loader = await import('@assemblyscript/loader').catch(() => undefined);
  if (loader === undefined) return instantiateNow;
  // Its asynchronous sister looks at the global Response first, which Node then loads for 20 ms.
  return (module, memory) =>
    loader.instantiateSync(module, { env: { memory } }).instance.exports as unknown as Kernels;
}

/** Loads what instantiates, and does it. */
export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  return (await loadInstantiate())(module, memory);
}
