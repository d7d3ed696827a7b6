import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readHdf5 } from '#dist/formats/hdf5.js';
import { decodeKeras } from '#dist/formats/layouts/keras.js';
import { readKerasConfig } from '#dist/formats/layouts/keras-archive.js';
import { openZip } from '#dist/formats/zip.js';
import { errorOf } from './bytes.js';
import { kerasModels, weightsOf } from './layouts/keras-models.js';

const read = (name: string) => new Uint8Array(readFileSync(new URL(`layouts/${name}`, import.meta.url)));
const model = kerasModels.gru!;
const old = read('gru.h5');
const archive = read('gru.keras');
const inside = await openZip(archive).get('model.weights.h5')!.read();

test('what h5py 3.16 has written for Keras: an .h5 file', () => {
  const arrays = readHdf5(old);
  const expected = weightsOf(model, 'grouped');
  expect(Object.keys(arrays).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, array] of Object.entries(expected)) expect(arrays[name]).toEqual(array);
});

test('and the weights in a .keras file, with its config', async () => {
  const arrays = readHdf5(inside);
  expect({ ...arrays }).toEqual(weightsOf(model, 'numbered'));
  const config = await readKerasConfig(archive);
  expect(config).toMatchObject({ class_name: 'Sequential', keras_version: expect.stringMatching(/^3\./) });
  expect(decodeKeras(arrays, { config }).tensors).toEqual(
    decodeKeras(weightsOf(model, 'path'), { config: model.config }).tensors,
  );
});

/** A copy with other bytes at a place. */
const changed = (at: number, ...values: number[]) => {
  const bytes = old.slice();
  bytes.set(values, at);
  return bytes;
};
test.each<[string, Uint8Array, string, RegExp]>([
  ['nothing', new Uint8Array(0), 'ERR_FORMAT', /broken at byte 0/],
  ['a later superblock', changed(8, 3), 'ERR_UNSUPPORTED', /superblock of version 3.*numpy\.savez/],
  ['short addresses', changed(13, 4), 'ERR_UNSUPPORTED', /addresses of other than 8 bytes/],
  [
    'a root nowhere',
    changed(64, 255, 255, 255, 255, 255, 255, 31, 0),
    'ERR_FORMAT',
    /cut short, or an address/,
  ],
  ['a root far away', changed(64, 255, 255, 255, 255, 255, 255, 255, 127), 'ERR_FORMAT', /too large/],
  ['half of it', old.slice(0, old.length / 2), 'ERR_FORMAT', /cut short, or an address/],
])('%s is an error', (_, bytes, code, message) => {
  const error = errorOf(() => readHdf5(bytes));
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
});

test('mutated files give arrays no larger than the file, or one of the errors', () => {
  const edits = fc.array(fc.record({ at: fc.nat(old.length - 1), value: fc.nat(255) }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(fc.constantFrom(old, inside), edits, fc.boolean(), (seed, list, isNear) => {
      const bytes = seed.slice();
      // Most of a file is weights and space; headers begin at its front.
      for (const { at, value } of list) bytes[isNear ? at % 4096 : at % bytes.length] = value;
      try {
        const arrays = readHdf5(bytes);
        const total = Object.values(arrays).reduce((sum, { data }) => sum + data.length, 0);
        expect(total).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect((error as { code?: string }).code, String((error as Error).stack)).toMatch(
          /^ERR_(?:FORMAT|UNSUPPORTED)$/,
        );
      }
    }),
    { numRuns: 3000 },
  );
});
