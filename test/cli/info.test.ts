import { expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { encodeModel } from '#dist/formats/native.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/wasm/features.js';
import { randomModel } from '../oracle/random.js';
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

test('says who reads whom, and which way a layer goes', async () => {
  const spec: ModelSpec = {
    layers: [
      { kind: 'lstm', name: 'a', inputSize: 4, hiddenSize: 6, direction: 'bidirectional' },
      { kind: 'linear', name: 'b', inputSize: 16, outputSize: 3, inputs: ['a', 'input'] },
      { kind: 'gru', name: 'c', inputSize: 3, hiddenSize: 6, blocks: 2, inputBlocks: 3 },
      { kind: 'linear', name: 'd', inputSize: 6, outputSize: 9, blocks: 3 },
      { kind: 'elman', name: 'e', inputSize: 9, hiddenSize: 6, blockSizes: [3, 1, 2] },
    ],
  };
  const model = { spec, tensors: randomModel(seededRandom(1), spec) };
  const path = folder.put('graph.safetensors', encodeModel(model));
  const { stdout } = await call('info', path);
  expect(stdout).toMatch(/a +lstm, bidirectional +4 → 2 · 6 +1 \(dense\) +\S+ +input/);
  // Of weight_hh [6, 3] 14 are used.
  expect(stdout).toMatch(/e +elman +9 → 6 +3 of 1 to 3 +80/);
  expect(stdout).toMatch(/b +linear +16 → 3 +51 +a, input/);
  expect(stdout).toMatch(/d +linear +6 → 9 +3 of 2 → 3 +27 +c/);
  expect(stdout).toMatch(/c +gru +3 → 6 +2 of 3; inputs: 3 of 1 +108 /);
  const { parameters } = JSON.parse((await call('info', path, '--json')).stdout);
  expect(parameters).toMatchObject({
    recurrent: 2 * 24 * 6 + 18 * 3 + 14,
    input: 2 * 24 * 4 + 18 + 6 * 9,
    recurrentIfDense: 2 * 4 * 36 + 3 * 36 + 36,
  });
});
