import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Json } from '#dist/formats/json.js';
import { decodeTensorflow } from '#dist/formats/layouts/tensorflow.js';
import { readModel } from '#dist/formats/read.js';
import { writeSafetensors } from '#dist/formats/safetensors.js';
import { dumpFolder, makeVariables } from '../formats/variables.js';
import { expandBlocks } from './dense.js';
import { byteModel, bytes } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();
const at = (name: string) => join(folder.path, name);

/** A byte model as PyTorch saves it. */
const input = folder.put('state-dict.safetensors', writeSafetensors(expandBlocks(byteModel().tensors, 3)));
const info = folder.put('info.json', JSON.stringify({ vocab_bytes: bytes }));

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
