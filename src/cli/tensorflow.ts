import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkCharacters, checkManifest, decodeArray } from '../formats/checkpoint.js';
import type { Tensors } from '../model/tensors.js';
import { about } from './failure.js';
import { readBytes, readJson } from './files.js';

const manifestName = 'manifest.json';

/** The variables of a TensorFlow model, and what lies beside them. */
export interface Checkpoint {
  arrays: Tensors;
  /** bytes of the files of the variables */
  size: number;
  /** id → byte, of a model of characters */
  vocab?: number[] | undefined;
}

/** The manifest of a folder that is given by its own path or the manifest's; undefined for every other path. */
export async function findManifest(path: string): Promise<string | undefined> {
  if (basename(path) === manifestName) return path;
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? join(path, manifestName) : undefined;
}

/**
 * Reads a folder of raw arrays.
 * @param withVocab whether to read the vocabulary that may lie beside the manifest
 * @throws FileError
 */
export async function readFolder(
  manifest: string,
  withVocab: boolean,
  signal: AbortSignal,
): Promise<Checkpoint> {
  const json = await readJson(manifest, signal);
  const listed = await about(manifest, () => checkManifest(json));
  const arrays: Tensors = Object.create(null);
  let size = 0;
  for (const [name, entry] of listed) {
    const path = join(dirname(manifest), entry.filename);
    const bytes = await readBytes(path, signal);
    arrays[name] = await about(path, () => decodeArray(name, entry, bytes));
    size += bytes.length;
  }
  if (!withVocab) return { arrays, size };
  return { arrays, size, vocab: await readCharacters(join(dirname(manifest), 'vocab.json'), signal) };
}

async function readCharacters(path: string, signal: AbortSignal): Promise<number[] | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  const ids = await readJson(path, signal);
  return about(path, () => {
    try {
      return checkCharacters(ids);
    } catch (cause) {
      const cure = 'Correct it, give the bytes with --vocab, or take it away to convert without a vocabulary';
      throw Object.assign(cause as Error, { message: `${(cause as Error).message} ${cure}.` });
    }
  });
}
