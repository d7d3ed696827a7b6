import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readWav } from '../../bench/evidence/wav.js';

const folder = new URL('../../../shared/data/fsdd/recordings/', import.meta.url);

/** Recordings of the official test, where the data is: `count` of them, no speaker and no digit before the others. */
export function readTestRecordings(count: number): { digit: number; samples: Float32Array }[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder)
    .filter((name) => /_[0-4]\.wav$/.test(name))
    .sort();
  // 37 and the 300 names have no common divisor, so that none comes twice.
  return Array.from({ length: count }, (_, i) => names[(i * 37) % names.length]!).map((name) => ({
    digit: Number(name[0]),
    samples: readWav(readFileSync(new URL(name, folder))).samples,
  }));
}

/** Sounds one after the other, with silence around each. @param pause samples */
export function join(sounds: readonly Float32Array[], pause: number): Float32Array {
  const joined = new Float32Array(sounds.reduce((sum, { length }) => sum + length + pause, pause));
  let at = pause;
  for (const sound of sounds) {
    joined.set(sound, at);
    at += sound.length + pause;
  }
  return joined;
}
