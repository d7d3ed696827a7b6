import { type BinaryName, isFamily, type KernelSet } from './features.js';
import { withSharedMemory } from './shared.js';
import { decodeText } from './text.js';

/** Finds the compiled binary of a name; each is compiled once. */
export type LoadBinary = (name: BinaryName) => Promise<WebAssembly.Module>;

/**
 * A family of binaries: one for each kernel set, and each of them for a shared memory too.
 * @param read imports the module that holds a set's bytes; each import is spelled out so that bundlers can see it
 */
export function openBinaries(read: (kernels: KernelSet) => Promise<{ text: string }>): LoadBinary {
  const modules = new Map<BinaryName, Promise<WebAssembly.Module>>();
  return (name) => {
    let module = modules.get(name);
    if (module === undefined) {
      module = readBinary(name, read).then((bytes) => WebAssembly.compile(bytes));
      modules.set(name, module);
      // A chunk that could not be fetched is asked for again.
      module.catch(() => modules.delete(name));
    }
    return module;
  };
}

const loadPlain = openBinaries((kernels) =>
  kernels === 'simd' ? import('./generated/simd.js') : import('./generated/relaxed.js'),
);
const loadFamily = openBinaries((kernels) =>
  kernels === 'simd' ? import('./generated/family-simd.js') : import('./generated/family-relaxed.js'),
);

/** The binaries that run models. */
export const loadBinary: LoadBinary = (name) => (isFamily(name) ? loadFamily(name) : loadPlain(name));

async function readBinary(
  name: BinaryName,
  read: (kernels: KernelSet) => Promise<{ text: string }>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = decodeText((await read(name.includes('simd') ? 'simd' : 'relaxed')).text);
  return name.endsWith('-shared') ? withSharedMemory(bytes) : bytes;
}
