import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '#dist/formats/native.js';
import { writeNpy } from '#dist/formats/npy.js';
import { readModel } from '#dist/formats/read.js';
import { errorOf, f32Bytes, recurrent, safetensorsOf, stateDict } from './bytes.js';

const values = (...shape: number[]) => {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Float32Array.from({ length: count }, (_, i) => (i - 3) / 7) };
};

/** One layer of every kind. */
const model = {
  spec: {
    layers: [
      { kind: 'embedding' as const, name: 'e', count: 3, size: 2 },
      { kind: 'lstm' as const, name: 'a', inputSize: 2, hiddenSize: 4, blocks: 2 },
      { kind: 'gru' as const, name: 'b', inputSize: 4, hiddenSize: 2, blocks: 2, resetAfter: false },
      {
        kind: 'elman' as const,
        name: 'c',
        inputSize: 2,
        hiddenSize: 1,
        blocks: 1,
        activation: 'relu' as const,
      },
      { kind: 'linear' as const, name: 'd', inputSize: 1, outputSize: 3, bias: false },
      { kind: 'activation' as const, name: 'f', activation: 'softmax' as const },
    ],
  },
  tensors: {
    'e.weight': values(3, 2),
    'a.weight_ih': values(16, 2),
    'a.weight_hh': values(16, 2),
    'a.bias_ih': values(16),
    'a.bias_hh': values(16),
    'b.weight_ih': values(6, 4),
    'b.weight_hh': values(6, 1),
    'b.bias_ih': values(6),
    'b.bias_hh': values(6),
    'c.weight_ih': values(1, 2),
    'c.weight_hh': values(1, 1),
    'c.bias_ih': values(1),
    'c.bias_hh': values(1),
    'd.weight': values(3, 1),
  },
  vocab: [0, 255, 10],
};

describe('native files', () => {
  test('a model comes back as it was', () => {
    const bytes = encodeModel(model);
    expect(readModel(bytes)).toEqual(model);
    expect(encodeModel(readModel(bytes))).toEqual(bytes);
    const { vocab: _, ...mute } = model;
    expect('vocab' in readModel(encodeModel(mute))).toBe(false);
  });

  test('f16 halves the weights and keeps 11 bits of each', () => {
    const half = readModel(encodeModel(model, { dtype: 'f16' }));
    expect(half.spec).toEqual(model.spec);
    for (const [name, { data }] of Object.entries(model.tensors)) {
      // Rounding to nearest is off by half a unit of 2^-10 at most; these values are normal in f16.
      half.tensors[name]!.data.forEach((value, i) => {
        expect(Math.abs(value - data[i]!)).toBeLessThanOrEqual(2 ** -11 * Math.abs(data[i]!));
      });
    }
  });

  const layers = [{ kind: 'linear', name: 'l', inputSize: 1, outputSize: 1, bias: false }];
  const native = (stated: unknown, tensors = { 'l.weight': { shape: [1, 1], bytes: f32Bytes([3]) } }) =>
    stateDict(tensors, { blockrnn: typeof stated === 'string' ? stated : JSON.stringify(stated) });

  test('a file made by hand', () => {
    const file = readModel(native({ version: 1, spec: { layers }, vocab: [65] }));
    expect(file).toEqual({
      spec: { layers },
      tensors: { 'l.weight': { shape: [1, 1], data: Float32Array.of(3) } },
      vocab: [65],
    });
  });

  test('options in place of what the file says', () => {
    const file = native({ version: 1, spec: { layers } });
    const named = [...layers, { kind: 'activation', name: 'out', activation: 'tanh' }];
    expect(readModel(file, { spec: { layers: named }, vocab: [7] })).toMatchObject({
      spec: { layers: named },
      vocab: [7],
    });
    expect(errorOf(() => readModel(file, { spec: { layers: [] } }))).toMatchObject({ name: 'RangeError' });
    expect(readModel(encodeModel(model), { blocks: 1 }).spec.layers[1]).toMatchObject({ blocks: 1 });
    expect(errorOf(() => readModel(encodeModel(model), { blocks: 3 }))).toMatchObject({ name: 'RangeError' });
  });

  test.each<[string, unknown, string, string]>([
    ['no JSON', 'layers', 'FormatError', 'JSON value'],
    ['an empty text', '', 'FormatError', 'the text ends'],
    ['a list', [], 'FormatError', '"version": 1'],
    ['no version', { spec: { layers } }, 'FormatError', '"version": 1'],
    ['a later version', { version: 2, spec: { layers } }, 'UnsupportedError', 'version 2'],
    ['no spec', { version: 1 }, 'FormatError', '"spec"'],
    ['no layers', { version: 1, spec: { layers: [] } }, 'FormatError', '1..1000 layers'],
    [
      'a size of zero',
      { version: 1, spec: { layers: [{ ...layers[0], inputSize: 0 }] } },
      'FormatError',
      'inputSize',
    ],
    [
      'a huge size',
      { version: 1, spec: { layers: [{ ...layers[0], inputSize: 1e15 }] } },
      'FormatError',
      'inputSize',
    ],
    [
      'a fraction',
      { version: 1, spec: { layers: [{ ...layers[0], inputSize: 1.5 }] } },
      'FormatError',
      'inputSize',
    ],
    [
      'another size',
      { version: 1, spec: { layers: [{ ...layers[0], inputSize: 2 }] } },
      'MismatchError',
      'l.weight',
    ],
    [
      'a tensor too few',
      { version: 1, spec: { layers: [{ ...layers[0], bias: true }] } },
      'MismatchError',
      'l.bias',
    ],
    ['a layer twice', { version: 1, spec: { layers: [...layers, ...layers] } }, 'FormatError', 'two layers'],
    ['a key twice', '{"version":1,"version":1,"spec":{"layers":[]}}', 'FormatError', 'occurs twice'],
    ['deep JSON', `{"version":1,"spec":${'['.repeat(100_000)}`, 'FormatError', 'nested'],
    ['a vocabulary that is none', { version: 1, spec: { layers }, vocab: 'a' }, 'FormatError', 'vocab'],
    ['a byte twice', { version: 1, spec: { layers }, vocab: [1, 1] }, 'FormatError', 'vocab[1]'],
    [
      'a constructor of its own',
      '{"version":{"constructor":{"name":{}}},"spec":1}',
      'FormatError',
      'no prototype',
    ],
  ])('metadata: %s', (_, stated, name, part) => {
    const error = errorOf(() => readModel(native(stated)));
    expect(error).toMatchObject({ name, code: expect.stringMatching(/^ERR_/) });
    expect(error.message).toContain(part);
  });

  test('a tensor too many, a vocabulary of another size', () => {
    const extra = {
      'l.weight': { shape: [1, 1], bytes: f32Bytes([3]) },
      __proto__x: { shape: [1], bytes: f32Bytes([1]) },
    };
    expect(errorOf(() => readModel(native({ version: 1, spec: { layers } }, extra)))).toMatchObject({
      name: 'MismatchError',
    });
    expect(errorOf(() => encodeModel({ ...model, vocab: [1] }))).toMatchObject({ name: 'MismatchError' });
  });

  test('what cannot be written', () => {
    expect(errorOf(() => encodeModel({ ...model, tensors: {} }))).toMatchObject({ name: 'MismatchError' });
    const odd = { kind: 'activation' as const, name: '\ud800', activation: 'tanh' as const };
    expect(
      errorOf(() => encodeModel({ ...model, spec: { layers: [...model.spec.layers, odd] } })),
    ).toMatchObject({ name: 'RangeError' });
  });
});

describe('files of other kinds', () => {
  const text = (value: string) => new TextEncoder().encode(value);
  test.each<[string, Uint8Array, string, string]>([
    ['nothing', new Uint8Array(0), 'FormatError', 'empty'],
    [
      'a zip',
      Uint8Array.from([...text('PK\x03\x04'), ...new Uint8Array(60)]),
      'UnsupportedError',
      'from safetensors.torch import save_file',
    ],
    [
      'a pickle',
      Uint8Array.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]),
      'UnsupportedError',
      'save_file(',
    ],
    ['a web page', text('<!DOCTYPE html><html><body>Not found</body></html>'), 'FormatError', 'web page'],
    ['another web page', text('\ufeff\n\n  <HTML lang="en">'), 'FormatError', 'web page'],
    [
      'a LFS pointer',
      text('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
      'FormatError',
      'git lfs pull',
    ],
    ['an array', writeNpy([1], Float32Array.of(1)), 'FormatError', 'readNpy'],
    ['ONNX', Uint8Array.from([8, 7, 0x12, 7, ...text('pytorch'), 0x1a, 1, 0x31]), 'UnsupportedError', 'ONNX'],
    ['JSON', text('{"layers":[]}   '), 'FormatError', 'header'],
    ['text', text('hello, this is a text'), 'FormatError', 'another kind of file'],
    ['one byte', Uint8Array.of(8), 'FormatError', '1 bytes'],
    ['zeros', new Uint8Array(64), 'FormatError', '"{"'],
  ])('%s', (_, bytes, name, part) => {
    const error = errorOf(() => readModel(bytes));
    expect(error).toMatchObject({ name, code: expect.stringMatching(/^ERR_/) });
    expect(error.message).toContain(part);
  });

  test('a header length that looks like another format is a header length', () => {
    // 0x0280: the first two bytes of a pickle. 0x3a07_08 would be ONNX's.
    const dict = stateDict(recurrent('l.', 4, 1, 1));
    const length = new DataView(dict.buffer).getUint32(0, true);
    const json = new TextDecoder().decode(dict.subarray(8, 8 + length)).padEnd(0x0280, ' ');
    const file = safetensorsOf(json, dict.subarray(8 + length));
    expect([file[0], file[1]]).toEqual([0x80, 2]);
    expect(readModel(file).spec.layers.length).toBe(1);
  });

  test('what is not bytes', () => {
    expect(errorOf(() => readModel('model.safetensors' as never))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_ARGUMENT_TYPE',
    });
  });
});

const fixtures = new URL('../../../shared/models/', import.meta.url);
const present = existsSync(new URL('shakespeare-block8.safetensors', fixtures));

describe('models made by PyTorch', () => {
  test.skipIf(!present).each([
    ['shakespeare-block8', 8],
    ['shakespeare-dense', 1],
  ])('%s has %i blocks', (name, blocks) => {
    const bytes = readFileSync(new URL(`${name}.safetensors`, fixtures));
    const stated = JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), 'utf8')) as {
      recurrent_weights: number;
      parameters: number;
      vocab_bytes: number[];
    };
    const file = readModel(bytes, { vocab: stated.vocab_bytes });
    expect(file.spec.layers).toEqual([
      { kind: 'embedding', name: 'embedding', count: 65, size: 64 },
      { kind: 'lstm', name: 'lstm.0', inputSize: 64, hiddenSize: 512, blocks },
      { kind: 'linear', name: 'decoder', inputSize: 512, outputSize: 65, bias: true },
    ]);
    const count = Object.values(file.tensors).reduce((sum, { data }) => sum + data.length, 0);
    // The model had one bias for each gate; its state dict holds it as bias_ih, and zeros as bias_hh.
    expect(file.tensors['lstm.0.bias_hh']!.data.every((value) => value === 0)).toBe(true);
    expect(count).toBe(stated.parameters + 4 * 512);
    expect(file.tensors['lstm.0.weight_hh']!.data.length).toBe(stated.recurrent_weights);
    expect(readModel(encodeModel(file))).toEqual(file);
    if (blocks > 1) {
      expect(errorOf(() => readModel(bytes, { blocks: 16 })).message).toContain('8 blocks hold');
    }
  });
});
