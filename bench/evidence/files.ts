import { readFile } from 'node:fs/promises';
import { MissingData } from './task.js';

/** The bytes of a file of a data set. @throws MissingData when it is not there, or is no file */
export async function readData(folder: URL, name: string): Promise<Uint8Array> {
  const path = new URL(name, folder);
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MissingData(`${name} is not in ${folder.pathname}`, { cause });
  }
}

export async function readText(folder: URL, name: string): Promise<string> {
  return new TextDecoder().decode(await readData(folder, name));
}
