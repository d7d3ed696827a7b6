import type { BinaryName } from './features.js';

const modules = new Map<BinaryName, Promise<WebAssembly.Module>>();

/** The compiled binary of that name; compiled once. Each import is spelled out so that bundlers can see it. */
export function loadBinary(name: BinaryName): Promise<WebAssembly.Module> {
  let module = modules.get(name);
  if (module === undefined) {
    module = read(name).then(({ base64 }) => WebAssembly.compile(decode(base64)));
    modules.set(name, module);
  }
  return module;
}

function read(name: BinaryName): Promise<{ base64: string }> {
  switch (name) {
    case 'simd':
      return import('./generated/simd.js');
    case 'simd-shared':
      return import('./generated/simd-shared.js');
    case 'relaxed':
      return import('./generated/relaxed.js');
    case 'relaxed-shared':
      return import('./generated/relaxed-shared.js');
  }
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
