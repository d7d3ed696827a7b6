/** The front door for Node: the same, with paths and worker threads. */
import { availableParallelism } from 'node:os';
import { type ByteSource, sourceOf } from './formats/source.js';
import type { ModelSpec } from './model/spec.js';
import type { Tensors } from './model/tensors.js';
import { hirePiscina } from './schedule/piscina.js';
import type { Model } from './session/model.js';
import {
  type LoadOptions,
  type ModelOptions,
  openDoor,
  type Platform,
  type ReadOptions,
} from './session/open.js';
import { addressOf, readWeb, type WebSource } from './web.js';

export * from './public.js';

/** Where a model can come from; a string is a path, unless it begins with http://, https:// or file://. */
export type Source = WebSource;

/** Loaded for those who name a file: a model that is in memory already starts without. */
const files = () => import('node:fs/promises');

const platform: Platform<Source> = {
  read,
  open(source) {
    const path = pathOf(source);
    return path === undefined ? undefined : openFile(path);
  },
  addressOf: (source) => (pathOf(source) === undefined ? addressOf(source) : undefined),
  hire: hirePiscina,
  cores: availableParallelism,
};

async function read(source: Source, options: ReadOptions): Promise<Uint8Array> {
  const path = pathOf(source);
  if (path === undefined) return readWeb(source, options);
  const { readFile } = await files();
  return readFile(path, { signal: options.signal });
}

/** A file that is read as it is needed, into a buffer that the next read uses again. */
async function openFile(path: string | URL): Promise<ByteSource> {
  const { open, readFile } = await files();
  const file = await open(path);
  const stat = await file.stat();
  if (!stat.isFile()) {
    // A pipe has no size and no places.
    await file.close();
    return sourceOf(await readFile(path));
  }
  let buffer = new Uint8Array(0);
  return {
    size: stat.size,
    async read(from, to) {
      if (buffer.length < to - from) buffer = new Uint8Array(to - from);
      let filled = 0;
      while (filled < to - from) {
        const { bytesRead } = await file.read(buffer, filled, to - from - filled, from + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
    close: () => file.close(),
    async beside(name) {
      const { dirname, join } = await import('node:path');
      return readFile(
        path instanceof URL ? new URL(encodeURIComponent(name), path) : join(dirname(path), name),
      );
    },
  };
}

/** The path of a source that is a file's. */
function pathOf(source: Source): string | URL | undefined {
  if (source instanceof URL) return source.protocol === 'file:' ? source : undefined;
  if (typeof source !== 'string' || /^https?:\/\//i.test(source)) return undefined;
  return /^file:\/\//i.test(source) ? new URL(source) : source;
}

// Pure, so that who imports a reader of files alone does not get the runtime with it.
const door = /* @__PURE__ */ openDoor(platform);

/**
 * Loads a model: a `.safetensors` file of this package; or a PyTorch state dict or an ONNX file, in which block structure
 * is found.
 * @param source a path, a URL, bytes, a Blob or a Response
 * @throws FormatError, UnsupportedError, MismatchError, AbortError; TypeError and RangeError for wrong options; what
 *   the file system says about a path
 */
export function loadModel(source: Source, options?: LoadOptions): Promise<Model> {
  return door.loadModel(source, options);
}

/**
 * Makes a model from code.
 * @param spec layers as plain data
 * @param tensors by name, with the shapes that the spec implies
 * @throws TypeError, RangeError for a wrong spec; MismatchError when spec and tensors disagree
 */
export function createModel(spec: ModelSpec, tensors: Tensors, options?: ModelOptions): Promise<Model> {
  return door.createModel(spec, tensors, options);
}
