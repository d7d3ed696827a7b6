import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import type { Point } from './results.js';

/** What a checkpoint of a run says beside what the trainer itself saves. */
export interface Kept {
  /** everything that must be the same when the run goes on */
  settings: unknown;
  /** of training so far */
  seconds: number;
  curve: Point[];
  /** steps done */
  step: number;
}

/** Writes a file beside its place and moves it there: a reader finds the old one or the new one, whole. */
export async function replaceFile(path: URL, bytes: Uint8Array | string): Promise<void> {
  await mkdir(new URL('.', path), { recursive: true });
  const beside = new URL(`${path.href}.part`);
  await writeFile(beside, bytes);
  await rename(beside, path);
}

/** The bytes of a file, or undefined when there is none. */
export async function readIfThere(path: URL): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** One file: length of the JSON (u32, little-endian), the JSON, the trainer's bytes. */
export function joinCheckpoint(kept: Kept, bytes: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify(kept));
  const all = new Uint8Array(4 + head.length + bytes.length);
  new DataView(all.buffer).setUint32(0, head.length, true);
  all.set(head, 4);
  all.set(bytes, 4 + head.length);
  return all;
}

/** The reverse; undefined when the file is none of these. */
export function splitCheckpoint(all: Uint8Array): { kept: Kept; bytes: Uint8Array } | undefined {
  if (all.length < 4) return undefined;
  const end = 4 + new DataView(all.buffer, all.byteOffset).getUint32(0, true);
  if (end > all.length) return undefined;
  try {
    const kept = JSON.parse(new TextDecoder().decode(all.subarray(4, end))) as Kept;
    return { kept, bytes: new Uint8Array(all.subarray(end)) };
  } catch {
    return undefined;
  }
}
