/** The front door for Node: the same, with paths and worker threads. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { hirePiscina } from './schedule/piscina.js';
import { openDoor, type Platform } from './session/open.js';
import { readWeb, type WebSource } from './web.js';

export * from './public.js';

/** Where a model can come from; a string is a path, unless it begins with http:// or https://. */
export type Source = WebSource;

const platform: Platform<Source> = { read, hire: hirePiscina, cores: availableParallelism };

async function read(source: Source, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (typeof source === 'string' ? !/^https?:\/\//i.test(source) : isFile(source)) {
    return readFile(source as string | URL, { signal });
  }
  return readWeb(source, signal);
}

function isFile(source: Source): boolean {
  return source instanceof URL && source.protocol === 'file:';
}

/**
 * Loads a model: a `.safetensors` file of this package, or a PyTorch state dict, in which block structure is found.
 * @param source a path, a URL, bytes, a Blob or a Response
 * @throws FormatError, UnsupportedError, MismatchError, AbortError; TypeError and RangeError for wrong options; what
 *   the file system says about a path
 */
export const loadModel = openDoor(platform).loadModel;

/**
 * Makes a model from code.
 * @param spec layers as plain data
 * @param tensors by name, with the shapes that the spec implies
 * @throws TypeError, RangeError for a wrong spec; MismatchError when spec and tensors disagree
 */
export const createModel = openDoor(platform).createModel;
