import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '#dist/formats/native.js';
import { readModel } from '#dist/formats/read.js';
import { writeSafetensors } from '#dist/formats/safetensors.js';
import { blobFile, drawBlob, drawText, textFile } from '../formats/rnnoise-files.js';
import { expandBlocks } from './dense.js';
import { byteModel } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();
const at = (name: string) => join(folder.path, name);
/** The byte model as PyTorch saves it: weight_hh with its zeros, and PyTorch's names. */
const input = folder.put('state-dict.safetensors', writeSafetensors(expandBlocks(byteModel().tensors, 3)));

describe('convert --strips', () => {
  const spec = { layers: [{ kind: 'gru', name: 'gru', inputSize: 4, hiddenSize: 16 }] } as const;
  const values = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i * 7) % 31) / 31 + 0.1);
  const tensors = {
    'gru.weight_ih': { shape: [48, 4], data: values(192) },
    'gru.weight_hh': { shape: [48, 16], data: values(768) },
    'gru.bias_ih': { shape: [48], data: values(48) },
    'gru.bias_hh': { shape: [48], data: values(48) },
  };
  const dense = folder.put('gru.safetensors', encodeModel({ spec: { layers: [...spec.layers] }, tensors }));

  test('keeps the strips of the largest norm, and info says so', async () => {
    const out = at('strips.safetensors');
    const { code, stdout } = await call(
      'convert',
      dense,
      out,
      '--strips',
      '8x4',
      '--density',
      '0.25',
      '--json',
    );
    expect(code).toBe(0);
    const strips = { shape: '8x4', count: 6, diagonal: true };
    expect(JSON.parse(stdout)).toMatchObject({
      recurrentLayers: [{ name: 'gru', blocks: 1, strips }],
      parameters: { recurrent: 6 * 32 + 48, recurrentIfDense: 768 },
    });
    expect(readModel(readFileSync(out)).spec.layers).toMatchObject([{ strips }]);
    expect((await call('info', out)).stdout).toMatch(/6 strips of 8×4 and the diagonal \(31\.3 %\)/);
  });

  test('takes a density for each gate, and auto', async () => {
    const out = at('gates.safetensors');
    const each = await call('convert', dense, out, '--strips', '4x4', '--density', '0,0.5,.25');
    expect(each.stdout).toMatch(/12 strips of 4×4/);
    const auto = await call('convert', dense, out, '--strips', 'auto');
    expect(auto.stdout).toMatch(/1 block \(dense\)/);
  });

  test.each([
    [['--density', '0.2'], /--density is for --strips/],
    [['--strips', '3x3'], /--strips must be one of/],
    [['--strips', '8x4', '--density', 'half'], /--density must be/],
    [['--strips', '8x4', '--density', '0.1,1.1'], /--density must be/],
  ])('refuses %j', async (options, message) => {
    const { code, stderr } = await call('convert', dense, at('none.safetensors'), ...options);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});

describe('convert an RNNoise model', () => {
  const text = folder.put('rnnoise.txt', textFile(drawText(1)));
  const blob = folder.put('weights_blob.bin', blobFile(drawBlob(1, 'sparse int8', true).arrays));

  test.each([
    [text, 10, ['vad_gru', 'noise_gru', 'denoise_gru']],
    [blob, 16, ['gru1', 'gru2', 'gru3']],
  ])('%s', async (file, layers, recurrent) => {
    for (const more of [[], ['--from', 'rnnoise']]) {
      const { code, stdout, stderr } = await call(
        'convert',
        file,
        at('rnnoise.safetensors'),
        ...more,
        '--json',
      );
      expect([code, stderr]).toEqual([0, '']);
      const result = JSON.parse(stdout) as { layers: number; recurrentLayers: { name: string }[] };
      expect(result.layers).toBe(layers);
      expect(result.recurrentLayers.map(({ name }) => name)).toEqual(recurrent);
      expect(readModel(readFileSync(at('rnnoise.safetensors'))).spec.layers).toHaveLength(layers);
    }
  });

  test('and say what is none', async () => {
    const { code, stderr } = await call('convert', input, at('none.safetensors'), '--from', 'rnnoise');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/an RNNoise model begins with/);
  });
});
