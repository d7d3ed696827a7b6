import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FormatError } from '../base/errors.js';
import { type Json, parseJson } from '../formats/json.js';
import { type NpyArray, readNpy } from '../formats/npy.js';
import { about } from './failure.js';

/** All bytes of a file; what goes wrong names it. */
export async function readBytes(path: string, signal: AbortSignal): Promise<Uint8Array> {
  return about(path, () => readFile(path, { signal }));
}

/** Reads other files of the folder in which one lies. */
export function besideOf(path: string, signal: AbortSignal): (name: string) => Promise<Uint8Array> {
  return (name) => readBytes(join(dirname(path), name), signal);
}

export async function readArray(path: string, signal: AbortSignal): Promise<NpyArray> {
  const bytes = await readBytes(path, signal);
  return about(path, () => readNpy(bytes));
}

export async function readJson(path: string, signal: AbortSignal): Promise<Json> {
  const bytes = await readBytes(path, signal);
  return about(path, () =>
    parseJson(
      new TextDecoder().decode(bytes),
      (problem, at) => new FormatError(`the JSON is broken at character ${at}: ${problem}.`),
    ),
  );
}
