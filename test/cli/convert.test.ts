import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Json } from '#dist/formats/json.js';
import { decodeKeras } from '#dist/formats/layouts/keras.js';
import { decodeTensorflow } from '#dist/formats/layouts/tensorflow.js';
import { encodeModel } from '#dist/formats/native.js';
import { writeNpy } from '#dist/formats/npy.js';
import { readModel } from '#dist/formats/read.js';
import { readSafetensors, writeSafetensors } from '#dist/formats/safetensors.js';
import { npzOf, zipOf } from '../formats/archive.js';
import { kerasModels, weightsOf } from '../formats/layouts/keras-models.js';
import { dumpFolder, makeVariables } from '../formats/variables.js';
import { buildOnnx } from '../onnx/graph.js';
import { expandBlocks } from './dense.js';
import { byteModel, bytes } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();
const at = (name: string) => join(folder.path, name);
const native = byteModel();

/** The byte model as PyTorch saves it: weight_hh with its zeros, and PyTorch's names. */
const stateDict = writeSafetensors(expandBlocks(native.tensors, 3));
const input = folder.put('state-dict.safetensors', stateDict);
const info = folder.put('info.json', JSON.stringify({ vocab_bytes: bytes }));

describe('convert', () => {
  test('finds the blocks of a state dict and writes them alone', async () => {
    const { code, stdout, stderr } = await call(
      'convert',
      input,
      at('out.safetensors'),
      '--vocab',
      info,
      '--json',
    );
    expect([code, stderr]).toEqual([0, '']);
    const written = readFileSync(at('out.safetensors'));
    expect(JSON.parse(stdout)).toEqual({
      in: input,
      out: at('out.safetensors'),
      origin: 'pytorch',
      layers: 3,
      recurrentLayers: [{ name: 'lstm.0', kind: 'lstm', hiddenSize: 12, blocks: 3 }],
      parameters: { total: 690, recurrent: 192, recurrentIfDense: 576 },
      bytesBefore: stateDict.length,
      bytesAfter: written.length,
      dtype: 'f32',
      vocabulary: 9,
    });
    const model = readModel(written);
    expect(model.vocab).toEqual(bytes);
    expect(model.tensors['lstm.0.weight_hh']).toEqual(native.tensors['lstm.0.weight_hh']);
  });

  test('reads an ONNX file, and keeps the names of its states', async () => {
    const file = folder.put('model.onnx', buildOnnx(native.spec, native.tensors));
    const { code, stdout, stderr } = await call('convert', file, at('onnx.safetensors'), '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ layers: 3, recurrentLayers: [{ kind: 'lstm', blocks: 3 }] });
    const written = readFileSync(at('onnx.safetensors'));
    expect(readModel(written).tensors['lstm.1.weight_hh']).toEqual(native.tensors['lstm.0.weight_hh']);
    expect(JSON.parse(readSafetensors(written).metadata.onnx!)).toEqual({
      input: 'x',
      output: 'y',
      stateInputs: ['h0.0', 'c0.0'],
      stateOutputs: ['hn.0', 'cn.0'],
    });
    const described = await call('info', file, '--json');
    expect(JSON.parse(described.stdout).layers).toMatchObject([
      { kind: 'embedding' },
      { kind: 'lstm', blocks: 3 },
      { kind: 'linear' },
    ]);
    const ids = folder.put('ids.npy', writeNpy([4], Int32Array.of(1, 2, 3, 4)));
    expect((await call('run', file, ids, '-o', at('y.npy'))).code).toBe(0);
    expect((await call('run', at('onnx.safetensors'), ids, '-o', at('y2.npy'))).code).toBe(0);
    expect(readFileSync(at('y.npy'))).toEqual(readFileSync(at('y2.npy')));
  });

  test('writes an ONNX file, which is read as it was written', async () => {
    const file = folder.put('native.safetensors', encodeModel(native));
    const { code, stdout, stderr } = await call('convert', file, at('out.onnx'), '--json');
    expect([code, stderr]).toEqual([0, '']);
    const written = readFileSync(at('out.onnx'));
    expect(JSON.parse(stdout)).toMatchObject({ layers: 3, bytesAfter: written.length, dtype: 'f32' });
    expect((await call('convert', at('out.onnx'), at('back.safetensors'))).code).toBe(0);
    expect(readModel(readFileSync(at('back.safetensors')))).toEqual(readModel(readFileSync(file)));
    const refused = await call('convert', file, at('half.onnx'), '--dtype', 'f16');
    expect([refused.code, existsSync(at('half.onnx'))]).toEqual([2, false]);
    expect(refused.stderr).toContain('--dtype f16 is for .safetensors files');
  });

  test('says it in words, and f16 is half as much', async () => {
    const { code, stdout } = await call('convert', input, at('half.safetensors'), '--dtype', 'f16');
    expect(code).toBe(0);
    expect(stdout).toMatch(/lstm\.0 +lstm +12 units +3 blocks of 4\n/);
    expect(stdout).toMatch(/size +[\d.]+ kB → [\d.]+ kB \(f16\)\n/);
    expect(readModel(readFileSync(at('half.safetensors'))).tensors['decoder.weight']!.shape).toEqual([9, 12]);
  });

  test('a given number of blocks, also over its own input', async () => {
    const same = folder.put('same.safetensors', encodeModel(native));
    expect((await call('convert', same, same, '--blocks', '1')).code).toBe(0);
    const dense = readModel(readFileSync(same));
    expect(dense.tensors['lstm.0.weight_hh']!.shape).toEqual([48, 12]);
    expect(dense.vocab).toEqual(bytes);
    expect((await call('convert', same, same)).code).toBe(0);
    expect(readModel(readFileSync(same)).tensors['lstm.0.weight_hh']).toEqual(
      native.tensors['lstm.0.weight_hh'],
    );
  });

  test('a tolerance', async () => {
    const { code, stdout } = await call(
      'convert',
      input,
      at('t.safetensors'),
      '--tolerance',
      '100',
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout).recurrentLayers[0].blocks).toBe(12);
  });

  test('a spec where the tensors do not tell', async () => {
    const spec = folder.put(
      'spec.json',
      JSON.stringify({
        layers: [
          { kind: 'embedding', name: 'embedding' },
          { kind: 'lstm', name: 'lstm' },
          { kind: 'linear', name: 'decoder' },
          { kind: 'activation', name: 'end', activation: 'softmax' },
        ],
      }),
    );
    expect((await call('convert', input, at('spec.safetensors'), '--spec', spec)).code).toBe(0);
    expect(readModel(readFileSync(at('spec.safetensors'))).spec.layers.at(-1)).toMatchObject({
      kind: 'activation',
    });
  });

  test.each([
    ['blocks that do not hold', ['--blocks', '6'], /6 blocks do not hold.*3 blocks hold/],
    ['blocks that do not divide', ['--blocks', '5'], /5 does not divide 12/],
    ['a vocabulary that does not fit', ['--vocab', folder.put('short.json', '[1, 2]')], /vocab has 2 bytes/],
    ['no spec', ['--spec', at('nowhere.json')], /nowhere\.json: no such file/],
  ])('%s: nothing is written', async (_, argv, message) => {
    const before = readdirSync(folder.path).sort();
    const { code, stdout, stderr } = await call('convert', input, at('never.safetensors'), ...argv);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(existsSync(at('never.safetensors'))).toBe(false);
    expect(readdirSync(folder.path).sort()).toEqual(before);
  });
});

describe('convert of a TensorFlow model', () => {
  const variables = makeVariables({ embedding: [4, 3], hidden: [{ size: 6, blocks: 3 }], outputs: 4 });
  const characters = { b: 0, a: 1, '\n': 2, ' ': 3 };
  const expected = decodeTensorflow(variables, { vocab: [98, 97, 10, 32] });
  const files = dumpFolder(variables, characters);

  /** The model's folder; a null takes a file away. */
  function putFolder(name: string, changes: Record<string, Json | Uint8Array> = {}): string {
    mkdirSync(at(name));
    for (const [file, content] of Object.entries({ ...files, ...changes })) {
      if (content === null) continue;
      folder.put(join(name, file), content instanceof Uint8Array ? content : JSON.stringify(content));
    }
    return at(name);
  }

  const whole = putFolder('whole');
  const single = folder.put('tf.safetensors', writeSafetensors(variables));

  test.each([
    ['a folder', [whole]],
    ['its manifest', [join(whole, 'manifest.json')]],
    ['a folder that is said to be one', [whole, '--from', 'tensorflow']],
  ])('%s', async (_, argv) => {
    const { code, stdout, stderr } = await call('convert', ...argv, at('tf-out.safetensors'), '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      in: argv[0],
      layers: 3,
      recurrentLayers: [{ name: 'lstm.0', kind: 'lstm', hiddenSize: 6, blocks: 3 }],
      bytesBefore: 4 * Object.values(variables).reduce((sum, { data }) => sum + data.length, 0),
      vocabulary: 4,
    });
    const written = readModel(readFileSync(at('tf-out.safetensors')));
    expect(written).toEqual(expected);
  });

  test.each([
    ['by itself', []],
    ['as it is said', ['--from', 'tensorflow']],
  ])('a .safetensors file, %s', async (_, argv) => {
    const { code } = await call('convert', single, at('tf-out.safetensors'), ...argv, '--forget-bias', '0.5');
    expect(code).toBe(0);
    expect(readModel(readFileSync(at('tf-out.safetensors')))).toEqual(
      decodeTensorflow(variables, { forgetBias: 0.5 }),
    );
  });

  test('a vocabulary given in place of the one in the folder, or none', async () => {
    const broken = putFolder('broken', { 'vocab.json': { '': 0, a: 1 } });
    const vocab = folder.put('bytes.json', '[1, 2, 3, 4]');
    expect((await call('convert', broken, at('tf-out.safetensors'), '--vocab', vocab)).code).toBe(0);
    expect(readModel(readFileSync(at('tf-out.safetensors'))).vocab).toEqual([1, 2, 3, 4]);
    const without = putFolder('without', { 'vocab.json': null });
    expect((await call('convert', without, at('tf-out.safetensors'))).code).toBe(0);
    expect(readModel(readFileSync(at('tf-out.safetensors'))).vocab).toBeUndefined();
  });

  const outside = { embedding: { filename: '../tf.safetensors', shape: [1] } };
  test.each<[string, Record<string, Json | Uint8Array>, RegExp]>([
    [
      'a wrong vocabulary',
      { 'vocab.json': { '': 0, a: 1 } },
      /vocab\.json: the key "", of id 0, is not one character\..*--vocab/,
    ],
    ['a short vocabulary', { 'vocab.json': { a: 0 } }, /vocab has 1 byte/],
    ['no manifest', { 'manifest.json': null }, /manifest\.json: no such file/],
    ['a broken manifest', { 'manifest.json': [] }, /manifest\.json: a manifest must/],
    ['a variable without its file', { embedding: null }, /embedding: no such file/],
    [
      'a variable cut short',
      { embedding: new Uint8Array(47) },
      /variable "embedding": shape \[4, 3\] needs 48 bytes, "embedding" has 47/,
    ],
    ['a way out of the folder', { 'manifest.json': outside }, /filename must be that of a file beside/],
  ])('%s: nothing is written', async (name, changes, message) => {
    const { code, stdout, stderr } = await call('convert', putFolder(name, changes), at('never.safetensors'));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(existsSync(at('never.safetensors'))).toBe(false);
  });

  test.each([
    ['a state dict that is said to be one', [input, '--from', 'tensorflow'], /there is no cell/],
    ['a folder that is said to be a state dict', [whole, '--from', 'pytorch'], /this is a folder/],
    ['variables that are said to be a state dict', [single, '--from', 'pytorch'], /no layer uses/],
  ])('%s fails', async (_, argv, message) => {
    const { code, stderr } = await call('convert', ...argv, at('never.safetensors'));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(at('never.safetensors'))).toBe(false);
  });

  test.each([
    ['another origin', [whole, '--from', 'caffe'], /--from must be one of auto, pytorch, tensorflow, keras/],
    ['a spec', [whole, '--spec', info], /--spec is for state dicts/],
    [
      'a forget bias of a state dict',
      [input, '--forget-bias', '1'],
      /--forget-bias is for TensorFlow models/,
    ],
    ['a forget bias that is none', [whole, '--forget-bias', 'x'], /--forget-bias must be a number/],
  ])('%s is a wrong command line', async (_, argv, message) => {
    const { code, stderr } = await call('convert', ...argv, at('never.safetensors'));
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(existsSync(at('never.safetensors'))).toBe(false);
  });
});

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

const shared = new URL('../../../shared/', import.meta.url);

describe.skipIf(!existsSync(shared))('a model trained in TensorFlow', () => {
  test('scores what is stated beside it', async () => {
    const path = (name: string) => fileURLToPath(new URL(name, shared));
    const source = 'models/char-rnn-shakespeare/';
    // As its vocabulary is: two of its keys are not the letters that they were.
    const refused = await call('convert', path(source), at('char-rnn.safetensors'));
    expect([refused.code, refused.stderr.includes('the key "", of id 40')]).toEqual([1, true]);
    const {
      '': capital,
      '  ': small,
      ...right
    } = JSON.parse(readFileSync(path(`${source}vocab.json`), 'utf8'));
    const ids: [string, number][] = Object.entries({ ...right, U: capital, u: small });
    const vocab = ids.sort(([, a], [, b]) => a - b).map(([character]) => character.charCodeAt(0));
    const given = ['--vocab', folder.put('characters.json', JSON.stringify(vocab))];
    expect((await call('convert', path(source), at('char-rnn.safetensors'), ...given)).code).toBe(0);
    const text = ['--text', path('data/tinyshakespeare/input.txt'), '--to', '50000'];
    const { stdout } = await call('score', at('char-rnn.safetensors'), ...text, '--json');
    const { bitsPerByte, tokens } = JSON.parse(stdout);
    expect(tokens).toBe(49_999);
    expect((bitsPerByte * Math.LN2).toFixed(3)).toBe('1.330');
  });
});
