import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '#dist/formats/native.js';
import { writeNpy } from '#dist/formats/npy.js';
import { readModel } from '#dist/formats/read.js';
import { readSafetensors, writeSafetensors } from '#dist/formats/safetensors.js';
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
