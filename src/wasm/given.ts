import { ArgumentTypeError, FormatError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { loadBinary } from './binaries.js';
import { familyRegistry } from './family-registry.js';
import { type BinaryName, isFamily } from './features.js';
import { registry } from './registry.js';

/** Where the kernels come from, instead of from inside this package's modules. */
export interface WasmOptions {
  /** a compiled module, or a function that gives the one of a name; the files are blockrnn/wasm/*.wasm */
  wasmModule?:
    | WebAssembly.Module
    | ((name: BinaryName) => WebAssembly.Module | PromiseLike<WebAssembly.Module>);
  /** address of a .wasm file, or a function that gives the one of a name */
  wasmUrl?: string | URL | ((name: BinaryName) => string | URL);
}

/** @throws TypeError */
export function checkWasmOptions({ wasmModule, wasmUrl }: WasmOptions): void {
  if (wasmModule !== undefined && typeof wasmModule !== 'function' && !isModule(wasmModule)) {
    throw new ArgumentTypeError(
      `wasmModule must be a WebAssembly.Module or a function, got ${show(wasmModule)}.`,
    );
  }
  if (
    wasmUrl !== undefined &&
    typeof wasmUrl !== 'function' &&
    typeof wasmUrl !== 'string' &&
    !(wasmUrl instanceof URL)
  ) {
    throw new ArgumentTypeError(`wasmUrl must be a string, a URL or a function, got ${show(wasmUrl)}.`);
  }
}

/**
 * The compiled binary of that name, from where the caller has it, else from this package.
 * @param read all bytes at an address
 * @throws TypeError, FormatError for what is none of this version's binaries; what `read` throws
 */
export async function findBinary(
  name: BinaryName,
  { wasmModule, wasmUrl }: WasmOptions,
  read: (url: string | URL) => Promise<Uint8Array>,
): Promise<WebAssembly.Module> {
  if (wasmModule !== undefined) {
    const module = typeof wasmModule === 'function' ? await wasmModule(name) : wasmModule;
    if (!isModule(module)) {
      throw new ArgumentTypeError(
        `wasmModule must give a WebAssembly.Module for '${name}', got ${show(module)}.`,
      );
    }
    return checkExports(module, name, 'wasmModule');
  }
  if (wasmUrl === undefined) return loadBinary(name);
  const url = typeof wasmUrl === 'function' ? wasmUrl(name) : wasmUrl;
  const bytes = await read(url);
  try {
    return checkExports(await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>), name, String(url));
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    throw new FormatError(`${url} is not WebAssembly, or not whole; '${name}' was asked for.`, {
      cause: error,
    });
  }
}

/** What went wrong when a binary that a caller gave met a memory of the other kind. */
export function explainLink(error: unknown, name: BinaryName, options: WasmOptions): unknown {
  const given = options.wasmModule ?? options.wasmUrl;
  if (given === undefined || !(error instanceof WebAssembly.LinkError)) return error;
  return new ArgumentTypeError(
    `the WebAssembly module that was given does not fit this memory: '${name}' is needed (blockrnn/wasm/${name}.wasm).`,
  );
}

function checkExports(module: WebAssembly.Module, name: BinaryName, origin: string): WebAssembly.Module {
  const names = new Set(WebAssembly.Module.exports(module).map((entry) => entry.name));
  const needed = Object.keys(isFamily(name) ? { ...registry, ...familyRegistry } : registry);
  const missing = needed.find((kernel) => !names.has(kernel));
  if (missing === undefined) return module;
  throw new FormatError(
    `${origin}: this is not '${name}' of this version of blockrnn: it has no kernel ${missing}.`,
  );
}

function isModule(value: unknown): value is WebAssembly.Module {
  return value instanceof WebAssembly.Module;
}
