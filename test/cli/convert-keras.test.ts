import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { decodeKeras } from '#dist/formats/layouts/keras.js';
import { readModel } from '#dist/formats/read.js';
import { writeSafetensors } from '#dist/formats/safetensors.js';
import { npzOf, zipOf } from '../formats/archive.js';
import { kerasModels, weightsOf } from '../formats/layouts/keras-models.js';
import { expandBlocks } from './dense.js';
import { byteModel } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();
const at = (name: string) => join(folder.path, name);
const native = byteModel();
/** The byte model as PyTorch saves it: weight_hh with its zeros, and PyTorch's names. */
const input = folder.put('state-dict.safetensors', writeSafetensors(expandBlocks(native.tensors, 3)));

describe('weights of Keras', () => {
  const model = kerasModels.lstm!;
  const weights = weightsOf(model, 'path');
  const npz = folder.put('keras.npz', npzOf(weights));
  const dict = folder.put('keras.safetensors', writeSafetensors(weights));
  const config = folder.put('keras.json', JSON.stringify(model.config));
  const archive = folder.put(
    'model.keras',
    zipOf({
      'metadata.json': Buffer.from('{"keras_version": "3.15.1"}'),
      'config.json': { bytes: Buffer.from(JSON.stringify(model.config)), deflate: true },
      'model.weights.h5': Buffer.from('\u0089HDF'),
    }),
  );
  const expected = decodeKeras(weights, { activation: 'softmax' });

  test.each([
    ['an .npz file', [npz, '--activation', 'softmax']],
    ['a .safetensors file', [dict, '--activation', 'dense=softmax']],
    ['what it is said to be', [npz, '--from', 'keras', '--activation', 'softmax']],
    ['with a config.json', [npz, '--config', config]],
    ['with the config of a .keras file', [dict, '--config', archive]],
  ])('%s', async (_, argv) => {
    const { code, stdout, stderr } = await call('convert', ...argv, at('keras-out.safetensors'), '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ origin: 'keras', layers: 5 });
    const { tensors } = readModel(readFileSync(at('keras-out.safetensors')));
    for (const name of Object.keys(expected.tensors)) expect(tensors[name]).toEqual(expected.tensors[name]);
  });

  test('a .keras file is all that is needed, an .h5 file with a config', async () => {
    const real = fileURLToPath(new URL('../formats/layouts/gru.keras', import.meta.url));
    const found = [];
    for (const argv of [[real], [real.replace(/keras$/, 'h5'), '--config', real]]) {
      const { code, stderr } = await call('convert', ...argv, at('real.safetensors'));
      expect([code, stderr]).toEqual([0, '']);
      found.push(readModel(readFileSync(at('real.safetensors'))));
    }
    expect(found[0]).toEqual(found[1]);
    expect(found[0]!.spec.layers.map(({ kind }) => kind)).toEqual([
      'gru',
      'gru',
      'linear',
      'activation',
      'linear',
    ]);
  });

  test('a state dict may be an .npz file too', async () => {
    const pytorch = folder.put('state-dict.npz', npzOf(expandBlocks(native.tensors, 3)));
    expect((await call('convert', pytorch, at('npz-out.safetensors'))).code).toBe(0);
    expect(readModel(readFileSync(at('npz-out.safetensors'))).tensors).toEqual(native.tensors);
  });

  test.each([
    ['an activation that is not told', [npz], 1, /activation of Dense layer "dense"/],
    [
      'names of two origins',
      [folder.put('two.npz', npzOf({ ...weights, 'rnn.weight_hh_l0': array() }))],
      1,
      /names of pytorch and keras.*option from/,
    ],
    [
      'names of none',
      [folder.put('none.npz', npzOf({ arr_0: array() }))],
      1,
      /do not tell where they come from: "arr_0".*pytorch, tensorflow, keras/,
    ],
    [
      'a broken HDF5 file',
      [folder.put('model.h5', Buffer.from([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10]))],
      1,
      /model\.h5: the HDF5 file is broken/,
    ],
    ['a broken .keras file', [archive], 1, /model\.keras: the HDF5 file is broken/],
    [
      'a zip of other things',
      [folder.put('other.zip', zipOf({ 'data.pkl': Buffer.from('x') }))],
      1,
      /zip archive or a pickle/,
    ],
    [
      'a config that is none',
      [npz, '--config', npz],
      1,
      /keras\.npz: there is no config\.json in the archive/,
    ],
    ['a config for a state dict', [input, '--config', config], 2, /--config is for Keras models/],
    [
      'an activation for a state dict',
      [input, '--activation', 'relu'],
      2,
      /--activation is for Keras models/,
    ],
    ['a spec for Keras', [npz, '--spec', config], 2, /--spec is for state dicts/],
  ])('%s fails', async (_, argv, exit, message) => {
    const { code, stdout, stderr } = await call('convert', ...argv, at('never.safetensors'));
    expect([code, stdout]).toEqual([exit, '']);
    expect(stderr).toMatch(message);
    expect(existsSync(at('never.safetensors'))).toBe(false);
  });
});

function array() {
  return { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
}
