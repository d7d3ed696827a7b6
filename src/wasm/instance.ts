import { instantiateNow } from './instance-now.js';
import type { Kernels } from './registry.js';

/** Instantiates a binary over a memory. */
export type Instantiate = (module: WebAssembly.Module, memory: WebAssembly.Memory) => Kernels;

/**
 * What instantiates this binary here. One that asks for more than a memory, such as a debug build with its abort and
 * trace, gets AssemblyScript's own loader, which answers these with readable errors. This package's own ask for a memory
 * alone, and the plain constructor does not have to be looked for: Node takes 2.4 ms to find the loader, as long as to
 * pack half a million weights.
 */
export async function findInstantiate(module: WebAssembly.Module): Promise<Instantiate> {
  const asksForMore = WebAssembly.Module.imports(module).some(({ kind }) => kind !== 'memory');
  return asksForMore ? loadInstantiate() : instantiateNow;
}

/**
 * AssemblyScript's loader where it can be imported. In a page without a bundler or an import map its name leads nowhere;
 * there the plain constructor does the same work.
 */
async function loadInstantiate(): Promise<Instantiate> {
  const loader = await import('@assemblyscript/loader').catch(() => undefined);
  if (loader === undefined) return instantiateNow;
  // Its asynchronous sister looks at the global Response first, which Node then loads for 20 ms.
  return (module, memory) =>
    loader.instantiateSync(module, { env: { memory } }).instance.exports as unknown as Kernels;
}

/** Instantiates a binary with AssemblyScript's loader, for a thread that has time to find it. */
export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  return (await loadInstantiate())(module, memory);
}
