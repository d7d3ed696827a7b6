import { FormatError, UnsupportedError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { Tensor } from '../model/tensors.js';
import { isObject, type Json } from './json.js';
import { decodeValues } from './safetensors.js';

/**
 * A folder with the variables of a TensorFlow model, as deeplearn.js wrote them for browsers: one file of raw
 * little-endian f32 values for each, and
 *
 *   manifest.json   { "<variable>": { "filename": string, "shape": [sizes] }, … }
 *   vocab.json      { "<character>": id, … }, for a model of characters
 */

/** One variable as it is listed. */
export interface ListedArray {
  /** of a file beside the manifest */
  filename: string;
  shape: number[];
}

// A file beside the manifest: one that is listed elsewhere would let a model read any file of its reader.
const plainName = /^(?!\.{1,2}$)[^/\\:\0]{1,255}$/;

/** @throws FormatError naming the variable whose entry is broken */
export function checkManifest(manifest: Json): Map<string, ListedArray> {
  if (!isObject(manifest))
    throw new FormatError(`a manifest must be an object of variables, it is ${show(manifest)}.`);
  const arrays = new Map<string, ListedArray>();
  for (const [name, entry] of Object.entries(manifest)) {
    const fail = (problem: string) =>
      new FormatError(`variable ${show(name)}: ${problem}.`, { tensor: name });
    if (!isObject(entry)) throw fail(`its entry must be an object, it is ${show(entry)}`);
    const { filename, shape } = entry;
    if (typeof filename !== 'string' || !plainName.test(filename))
      throw fail(`filename must be that of a file beside the manifest, it is ${show(filename)}`);
    const isShape =
      Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && Number(size) >= 0);
    if (!isShape) throw fail(`shape must be an array of whole numbers of at least 0, it is ${show(shape)}`);
    arrays.set(name, { filename, shape: shape as number[] });
  }
  return arrays;
}

/** @throws FormatError naming the variable when there are not as many bytes as its shape needs */
export function decodeArray(name: string, { shape, filename }: ListedArray, bytes: Uint8Array): Tensor {
  const needed = shape.reduce((product, size) => product * size, 4);
  if (needed !== bytes.length) {
    const problem = `shape ${show(shape)} needs ${needed} bytes, ${show(filename)} has ${bytes.length}`;
    throw new FormatError(`variable ${show(name)}: ${problem}.`, { tensor: name });
  }
  return { shape: [...shape], data: decodeValues(new Uint8Array(bytes), 'F32') };
}

/**
 * The bytes of the characters, id → byte.
 * @param ids by character, each of 0..count - 1 once
 * @throws FormatError for what is no such list; UnsupportedError for a character of more than one byte
 */
export function checkCharacters(ids: Json): number[] {
  if (!isObject(ids)) throw new FormatError(`it must be an object of ids by character, it is ${show(ids)}.`);
  const entries = Object.entries(ids);
  const bytes: number[] = [];
  for (const [key, id] of entries) {
    if ([...key].length !== 1)
      throw new FormatError(`the key ${show(key)}, of id ${show(id)}, is not one character.`);
    const byte = key.codePointAt(0)!;
    if (byte > 0x7f) {
      throw new UnsupportedError(
        `the character ${show(key)} is not one byte; models of bytes are known, not of other characters.`,
        'character vocabulary',
      );
    }
    if (
      !Number.isInteger(id) ||
      Number(id) < 0 ||
      Number(id) >= entries.length ||
      bytes[Number(id)] !== undefined
    ) {
      const range = `0..${entries.length - 1}`;
      throw new FormatError(`the id of ${show(key)} is ${show(id)}; ids must be ${range}, each once.`);
    }
    bytes[Number(id)] = byte;
  }
  return bytes;
}
