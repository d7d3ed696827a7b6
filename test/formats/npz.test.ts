import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeNpy } from '#dist/formats/npy.js';
import { readNpz } from '#dist/formats/npz.js';
import { openZip } from '#dist/formats/zip.js';
import { type Archived, zipOf } from './archive.js';

const weights = writeNpy([2, 3], Float32Array.of(0, 1, 2, 3, 4, 5));
const steps = writeNpy([2], Int32Array.of(1, 2));
const read = async (files: Record<string, Archived | Uint8Array>) => readNpz(zipOf(files));
/** Long and of few values: packed it is a hundred times smaller. */
const long = writeNpy([4096], new Float32Array(4096));

describe('what NumPy 1.24 has written', () => {
  const files = JSON.parse(readFileSync(new URL('numpy.json', import.meta.url), 'utf8')) as Record<
    string,
    string
  >;
  test.each(Object.entries(files))('%s', async (_, base64) => {
    const arrays = await readNpz(new Uint8Array(Buffer.from(base64, 'base64')));
    expect(Object.keys(arrays)).toEqual(['a/b', 's']);
    expect(arrays['a/b']).toEqual({ shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) });
    expect(arrays.s).toEqual({ shape: [], data: Float32Array.of(0.5) });
  });
});

test('stored and deflated files, with a comment behind them; whole numbers are left out', async () => {
  const archive = zipOf(
    {
      'a.npy': { bytes: weights, deflate: true },
      'b.npy': weights,
      'n.npy': steps,
      'z.npy': { bytes: long, deflate: true },
    },
    'a comment, PK\u0005\u0006 in it',
  );
  expect(archive.length).toBeLessThan(2048);
  const arrays = await readNpz(archive);
  expect(Object.keys(arrays)).toEqual(['a', 'b', 'z']);
  expect(arrays.a).toEqual(arrays.b);
  expect(arrays.z!.data).toEqual(new Float32Array(4096));
});

test('an archive of nothing', async () => {
  expect(Object.keys(await readNpz(zipOf({})))).toEqual([]);
});

const packed = { bytes: long, deflate: true };
test.each<[string, () => Promise<unknown> | unknown, string, RegExp]>([
  [
    'no end',
    () => openZip(zipOf({ 'a.npy': weights }).slice(0, -1)),
    'ERR_FORMAT',
    /no directory at its end/,
  ],
  ['fewer bytes than an end', () => openZip(Uint8Array.of(80, 75)), 'ERR_FORMAT', /no directory at its end/],
  ['a name twice', () => openZip(twice()), 'ERR_FORMAT', /"a.npy" stands twice/],
  [
    'shared bytes',
    () => openZip(zipOf({ a: weights, b: { bytes: weights, said: { header: 0 } } })),
    'ERR_FORMAT',
    /share bytes/,
  ],
  [
    'encryption',
    () => openZip(zipOf({ a: { bytes: weights, said: { flags: 1 } } })),
    'ERR_UNSUPPORTED',
    /encrypted/,
  ],
  [
    'another method',
    () => openZip(zipOf({ a: { bytes: weights, said: { method: 14 } } })),
    'ERR_UNSUPPORTED',
    /method 14/,
  ],
  [
    'zip64',
    () => openZip(zipOf({ a: { bytes: weights, said: { size: 0xffffffff } } })),
    'ERR_UNSUPPORTED',
    /4 GiB/,
  ],
  [
    'more than the packed bytes can give',
    () => openZip(zipOf({ a: { ...packed, said: { size: 2 ** 30 } } })),
    'ERR_FORMAT',
    /cannot have 1073741824 bytes out of/,
  ],
  [
    'a stored size of its own',
    () => openZip(zipOf({ a: { bytes: weights, said: { size: 1 } } })),
    'ERR_FORMAT',
    /cannot have/,
  ],
  [
    'data beyond the directory',
    () => openZip(zipOf({ a: { ...packed, said: { packed: 2 ** 20 } } })),
    'ERR_FORMAT',
    /go into its directory/,
  ],
  [
    'a header elsewhere',
    () => openZip(zipOf({ a: { bytes: weights, said: { header: 7 } } })),
    'ERR_FORMAT',
    /is not where/,
  ],
  [
    'a wrong checksum',
    () => read({ 'a.npy': { bytes: weights, said: { checksum: 1 } } }),
    'ERR_FORMAT',
    /are not those that/,
  ],
  [
    'fewer bytes than said',
    () => read({ 'a.npy': { ...packed, said: { size: long.length + 1 } } }),
    'ERR_FORMAT',
    /are not those that/,
  ],
  [
    'more bytes than said',
    () => read({ 'a.npy': { ...packed, said: { size: 100 } } }),
    'ERR_FORMAT',
    /more bytes than/,
  ],
  [
    'no deflate stream',
    () => read({ 'a.npy': { bytes: Uint8Array.of(255, 255, 255), said: { method: 8 } } }),
    'ERR_FORMAT',
    /no deflate stream/,
  ],
  [
    'a file that is no array',
    () => read({ 'a.npy': weights, 'data.pkl': weights }),
    'ERR_FORMAT',
    /"data.pkl" in the archive is no/,
  ],
  ['a broken array', () => read({ 'a.npy': weights.slice(0, -1) }), 'ERR_FORMAT', /array "a": /],
  ['an array of objects', () => read({ 'a.npy': objects() }), 'ERR_UNSUPPORTED', /array "a": .*dtype/],
])('%s is an error', async (_, act, code, message) => {
  const error = await errorOf(act);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
});

async function errorOf(act: () => unknown): Promise<Error & { code?: string }> {
  try {
    await act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** Two files of one name: a directory that lists one of them again. */
function twice(): Uint8Array {
  const archive = zipOf({ 'a.npy': weights, 'b.npy': weights });
  const text = Buffer.from(archive);
  archive[text.lastIndexOf('b.npy')] = 'a'.charCodeAt(0);
  return archive;
}

function objects(): Uint8Array {
  const bytes = weights.slice();
  const at = Buffer.from(bytes).indexOf('<f4');
  bytes.set(Buffer.from('|O8'), at);
  return bytes;
}

test('mutated archives give arrays or one of the errors, within bounds of memory', async () => {
  const seeds = [
    zipOf({ 'a.npy': { bytes: weights, deflate: true }, 'b.npy': weights }, 'end'),
    zipOf({ 'long.npy': packed }),
  ];
  const edit = fc.record({ seed: fc.nat(1), at: fc.nat(), value: fc.nat(255), cut: fc.option(fc.nat()) });
  await fc.assert(
    fc.asyncProperty(edit, async ({ seed, at, value, cut }) => {
      const bytes = seeds[seed]!.slice();
      bytes[at % bytes.length] = value;
      const hostile = cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
      try {
        const arrays = await readNpz(hostile);
        for (const { data } of Object.values(arrays)) expect(data.length).toBeLessThanOrEqual(4096);
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^ERR_(?:FORMAT|UNSUPPORTED)$/);
      }
    }),
    { numRuns: 500 },
  );
});
