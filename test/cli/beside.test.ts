import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkPlaces, writeBeside } from '#dist/cli/beside.js';
import { makeFolder } from './program.js';

const folder = makeFolder();
const at = (name: string) => join(folder.path, name);
const bytes = Buffer.from('new');
const { signal } = new AbortController();

test('writes new files and replaces old ones', async () => {
  folder.put('old', 'old');
  const outputs = [at('old'), at('fresh')].map((path) => ({ path, bytes }));
  await writeBeside(outputs, signal);
  for (const { path } of outputs) expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readdirSync(folder.path).sort()).toEqual(['fresh', 'old']);
});

test('when one fails, none is written', async () => {
  folder.put('kept', 'old');
  const before = readdirSync(folder.path).sort();
  const outputs = [
    { path: at('kept'), bytes },
    { path: at('no/such/folder'), bytes },
  ];
  await expect(writeBeside(outputs, signal)).rejects.toThrow('no such file or folder');
  expect(readFileSync(at('kept'), 'utf8')).toBe('old');
  expect(readdirSync(folder.path).sort()).toEqual(before);
});

test('an abort before the renaming leaves everything as it was', async () => {
  folder.put('kept', 'old');
  const before = readdirSync(folder.path).sort();
  await expect(writeBeside([{ path: at('kept'), bytes }], AbortSignal.abort())).rejects.toThrow('aborted');
  expect(readFileSync(at('kept'), 'utf8')).toBe('old');
  expect(readdirSync(folder.path).sort()).toEqual(before);
});

test('a link stays a link', async () => {
  folder.put('real', 'old');
  symlinkSync('real', at('link'));
  await writeBeside([{ path: at('link'), bytes }], signal);
  expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(at('real'), 'utf8')).toBe('new');
});

test.skipIf(process.platform === 'win32')('a device is written to, not replaced', async () => {
  await checkPlaces(['/dev/null']);
  await writeBeside([{ path: '/dev/null', bytes }], signal);
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
});

test('places are checked beforehand', async () => {
  mkdirSync(at('folder'));
  await expect(checkPlaces([at('folder')])).rejects.toThrow('a folder');
  await expect(checkPlaces([at('no/file')])).rejects.toThrow('no such file or folder');
  await checkPlaces([at('may-be')]);
});
