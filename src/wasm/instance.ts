import { instantiateNow } from './instance-now.js';
import type { Kernels } from './registry.js';

/**
 * Instantiates a binary over a memory. AssemblyScript's own loader does it where it can be imported: it answers the
 * imports of a debug build (abort, trace) with readable errors. In a page without a bundler or an import map its name
 * leads nowhere; there the plain constructor does the same work.
 */
export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  const loader = await import('@assemblyscript/loader').catch(() => undefined);
  if (loader === undefined) return instantiateNow(module, memory);
  // Its asynchronous sister looks at the global Response first, which Node then loads for 20 ms.
  const { instance } = loader.instantiateSync(module, { env: { memory } });
  return instance.exports as unknown as Kernels;
}
