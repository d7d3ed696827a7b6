import { expect, test } from 'vitest';
import * as web from '#dist/index.js';
import * as node from '#dist/node.js';

/** Everything that the package gives; a change here is a change of its face. */
const names = [
  'AbortError',
  'FormatError',
  'MismatchError',
  'UnsupportedError',
  'WorkerError',
  'availableKernels',
  'createModel',
  'encodeModel',
  'loadModel',
  'readModel',
  'readNpy',
  'readSafetensors',
  'sparsify',
  'writeNpy',
  'writeSafetensors',
];

test.each([
  ['index', web],
  ['node', node],
])('%s has these names', (_, door) => {
  expect(Object.keys(door).sort()).toEqual(names);
});

test('a model and a session have these', async () => {
  const tensor = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
  using model = await web.createModel(
    { layers: [{ kind: 'linear', name: 'a', inputSize: 1, outputSize: 1 }] },
    { 'a.weight': tensor(1, 1), 'a.bias': tensor(1) },
  );
  const face = (value: object) =>
    [...Object.keys(value), ...Object.getOwnPropertyNames(Object.getPrototypeOf(value))].sort();
  expect(face(model)).toEqual(
    [
      'bytes',
      'constructor',
      'dispose',
      'kernels',
      'run',
      'session',
      'share',
      'spec',
      'threads',
      'vocab',
    ].sort(),
  );
  expect(face(model.session())).toEqual(
    [
      'batch',
      'constructor',
      'reset',
      'restore',
      'run',
      'snapshot',
      'step',
      'stream',
      'transform',
      'updates',
    ].sort(),
  );
});
