import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkSignal } from '../base/guards.js';
import { about, FileError } from './failure.js';

export interface Output {
  path: string;
  bytes: Uint8Array;
}

/**
 * Finds out whether files can be written there, before the work that makes their contents.
 * @throws FileError
 */
export async function checkPlaces(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await about(path, async () => {
      const there = await stat(path).catch(() => undefined);
      if (there?.isDirectory()) throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' });
      if (there === undefined || there.isFile()) await access(await folderOf(path), constants.W_OK);
    });
  }
}

/**
 * Writes files whole or not at all: each beside its place under another name, and when all are written they are
 * renamed. Whatever fails, nothing is left behind and what was there before is untouched.
 * @throws FileError; AbortError when the signal fires before the renaming
 */
export async function writeBeside(outputs: readonly Output[], signal: AbortSignal): Promise<void> {
  const written: { from: string; to: string; path: string }[] = [];
  try {
    for (const { path, bytes } of outputs) {
      const to = await about(path, () => resolve(path));
      if (!(await isPlain(to))) {
        // A device or a pipe cannot be replaced, and must not be.
        await about(path, () => writeInto(to, 'w', bytes));
        continue;
      }
      const from = join(dirname(to), `.${basename(to)}.${randomBytes(6).toString('hex')}.tmp`);
      written.push({ from, to, path });
      await about(path, () => writeInto(from, 'wx', bytes));
      checkSignal(signal);
    }
    checkSignal(signal);
    for (const { from, to, path } of written) await about(path, () => rename(from, to));
  } catch (error) {
    for (const { from } of written) await rm(from, { force: true });
    throw error;
  }
}

async function writeInto(path: string, flags: 'w' | 'wx', bytes: Uint8Array): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.writeFile(bytes);
    // Else a rename can reach the disk before the bytes do. Devices and pipes do not know it.
    if (flags === 'wx') await file.sync();
  } finally {
    await file.close();
  }
}

/** Where a link leads, so that the link stays one. */
async function resolve(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
    throw error;
  }
}

async function folderOf(path: string): Promise<string> {
  return dirname(await resolve(path));
}

async function isPlain(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new FileError(path, Object.assign(new Error('EISDIR'), { code: 'EISDIR' }));
  return there === undefined || there.isFile();
}
