import { readdir } from 'node:fs/promises';
import { rate } from '../../demo/page/audio/features.js';
import { readData } from './files.js';
import { MissingData } from './task.js';
import { readWav } from './wav.js';

export const speakers = ['george', 'jackson', 'lucas', 'nicolas', 'theo', 'yweweler'] as const;

/** One spoken digit. */
export interface Recording {
  digit: number;
  speaker: string;
  /** which of the speaker's recordings of the digit: 0–4 are the official test */
  index: number;
  samples: Float32Array;
}

/** What a recording is for. 45–49 of the official training part are held back for validation. */
export type Part = 'train' | 'valid' | 'test';

export function officialPart(index: number): Part {
  if (index < 5) return 'test';
  return index < 45 ? 'train' : 'valid';
}

export const fsddSource =
  'the folder recordings of https://github.com/Jakobovski/free-spoken-digit-dataset (3,000 files, about 30 MB)';

/** All recordings, in the order of their names. @throws MissingData, WavError */
export async function readRecordings(folder: URL): Promise<Recording[]> {
  const inner = new URL('recordings/', folder);
  const names = await readdir(inner).catch((cause) => {
    throw new MissingData(`there is no folder recordings in ${folder.pathname}`, { cause });
  });
  const recordings: Recording[] = [];
  for (const name of names.sort()) {
    const [, digit, speaker, index] = /^(\d)_([a-z]+)_(\d+)\.wav$/.exec(name) ?? [];
    if (speaker === undefined) continue;
    const wav = readWav(await readData(inner, name));
    if (wav.rate !== rate) throw new MissingData(`${name} has ${wav.rate} samples per second, not ${rate}`);
    recordings.push({ digit: Number(digit), speaker, index: Number(index), samples: wav.samples });
  }
  if (recordings.length === 0) throw new MissingData(`there are no recordings in ${inner.pathname}`);
  return recordings;
}
