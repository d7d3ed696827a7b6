import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FormatError } from '../../base/errors.js';
import { checkSignal } from '../../base/guards.js';
import { mapParts, type Parts } from '../../train/data/split.js';
import { about } from '../failure.js';
import { readBytes } from '../files.js';

/**
 * The bytes of a file; of a folder, those of its .txt files one after the other, in the order of their names.
 * @throws FileError, also for a folder without such files
 */
export async function readText(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const isFolder = await about(path, async () => (await stat(path)).isDirectory());
  if (!isFolder) return readBytes(path, signal);
  const names = await about(path, async () => {
    const found = (await readdir(path)).filter((name) => name.endsWith('.txt')).sort();
    if (found.length === 0) throw new FormatError('there is no .txt file in this folder.');
    return found;
  });
  const texts: Uint8Array[] = [];
  for (const name of names) texts.push(await readBytes(join(path, name), signal));
  return Buffer.concat(texts);
}

/** Reads the file of each part; paths are relative to `folder`. */
export async function readParts<T>(
  paths: Parts<string>,
  folder: string,
  signal: AbortSignal,
  read: (path: string) => Promise<T>,
): Promise<Parts<T>> {
  const reading = mapParts(paths, (path) => () => read(resolve(folder, path)));
  const parts: Parts<T> = { train: await reading.train() };
  if (reading.valid !== undefined) parts.valid = await reading.valid();
  if (reading.test !== undefined) parts.test = await reading.test();
  checkSignal(signal);
  return parts;
}

/** @throws FileError for what is no UTF-8 */
export function decodeText(path: string, bytes: Uint8Array): Promise<string> {
  return about(path, () => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new FormatError('this is no UTF-8 text.', { cause });
    }
  });
}
