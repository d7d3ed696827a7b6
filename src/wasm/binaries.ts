import type { BinaryName, KernelSet } from './features.js';
import { withSharedMemory } from './shared.js';

const modules = new Map<BinaryName, Promise<WebAssembly.Module>>();

/** The compiled binary of that name; compiled once. */
export function loadBinary(name: BinaryName): Promise<WebAssembly.Module> {
  let module = modules.get(name);
  if (module === undefined) {
    module = readBinary(name).then((bytes) => WebAssembly.compile(bytes));
    modules.set(name, module);
    // A chunk that could not be fetched is asked for again.
    module.catch(() => modules.delete(name));
  }
  return module;
}

async function readBinary(name: BinaryName): Promise<Uint8Array<ArrayBuffer>> {
  const kernels = name.startsWith('simd') ? 'simd' : 'relaxed';
  const bytes = decode((await read(kernels)).base64);
  return name === kernels ? bytes : withSharedMemory(bytes);
}

/** Each import is spelled out so that bundlers can see it. */
function read(kernels: KernelSet): Promise<{ base64: string }> {
  return kernels === 'simd' ? import('./generated/simd.js') : import('./generated/relaxed.js');
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
