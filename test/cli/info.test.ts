import { expect, test } from 'vitest';
import { encodeModel } from '#dist/formats/native.js';
import { availableKernels } from '#dist/wasm/features.js';
import { byteModel, floatModel } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();

test('counts what is in a model', async () => {
  const bytes = encodeModel(byteModel());
  const path = folder.put('bytes.safetensors', bytes);
  const { code, stdout } = await call('info', path, '--json');
  expect(code).toBe(0);
  const result = JSON.parse(stdout);
  const parameters = { recurrent: 4 * 12 * 4, input: 4 * 12 * 5, other: 9 * 5 + 2 * 48 + 9 * 12 + 9 };
  const total = parameters.recurrent + parameters.input + parameters.other;
  expect(result).toEqual({
    file: path,
    fileBytes: bytes.length,
    weightBytes: 4 * total,
    layers: [
      expect.objectContaining({ kind: 'embedding', count: 9, parameters: 45 }),
      expect.objectContaining({ kind: 'lstm', blocks: 3, parameters: 192 + 240 + 96 }),
      expect.objectContaining({ kind: 'linear', parameters: 117 }),
    ],
    parameters: { total, ...parameters, recurrentIfDense: 4 * 12 * 12 },
    vocabulary: 9,
    kernels: availableKernels(),
  });
});

test('says it in words', async () => {
  const { stdout } = await call('info', folder.put('bytes.safetensors', encodeModel(byteModel())));
  expect(stdout).toMatch(/lstm\.0 +lstm +5 → 12 +3 of 4 /);
  expect(stdout).toMatch(/recurrent +192; fully connected: 576/);
  expect(stdout).toMatch(/vocabulary +9 bytes/);
});

test('names diagonal layers, and that there is no vocabulary', async () => {
  const { stdout } = await call('info', folder.put('floats.safetensors', encodeModel(floatModel())));
  expect(stdout).toMatch(/lstm +lstm +6 → 8 +8 \(diagonal\)/);
  expect(stdout).toMatch(/vocabulary +none/);
});
