import { describe, expect, test } from 'vitest';
import { createModel, encodeModel, loadModel, type ModelSpec } from '#dist/node.js';
import { draw, errorFrom, layerOf, sceneOf } from './draw.js';

const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 3, 8)] };
const { tensors } = draw(spec, sceneOf());
const file = encodeModel({ spec, tensors });
const type = { name: 'TypeError', code: 'ERR_ARGUMENT_TYPE' };
const range = { name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' };

const cases: [string, unknown, object][] = [
  ['null', null, type],
  ['a string', 'auto', type],
  ['threads 0', { threads: 0 }, range],
  ['threads 1.5', { threads: 1.5 }, range],
  ['threads -1', { threads: -1 }, range],
  ['threads 65', { threads: 65 }, range],
  ['threads NaN', { threads: Number.NaN }, range],
  ['threads infinite', { threads: Number.POSITIVE_INFINITY }, range],
  ['threads a word', { threads: 'many' }, type],
  ['threads null', { threads: null }, type],
  ['kernels another word', { kernels: 'foo' }, range],
  ['kernels a number', { kernels: 1 }, type],
  ['kernels null', { kernels: null }, type],
  ['signal not a signal', { signal: {} }, type],
];

describe.each([
  ['createModel', (options: unknown) => createModel(spec, tensors, options as never)],
  ['loadModel', (options: unknown) => loadModel(file, options as never)],
])('%s', (_, open) => {
  test.each(cases)('options: %s', async (_, options, expected) => {
    const start = performance.now();
    expect(await errorFrom(open(options))).toMatchObject(expected);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('the defaults written out are the defaults', async () => {
    using model = await open({ threads: 1, kernels: 'auto', signal: undefined });
    expect(model.threads).toBe(1);
    expect(model.spec).toEqual(spec);
  });
});

describe('loadModel: a source', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 3],
    ['a plain object', {}],
    ['an array', [1, 2]],
  ])('%s', async (_, source) => {
    expect(await errorFrom(loadModel(source as never))).toMatchObject(type);
  });

  test('a path that leads nowhere says what the file system says', async () => {
    expect(await errorFrom(loadModel('no/such/file.safetensors'))).toMatchObject({ code: 'ENOENT' });
  });

  test('bytes, their buffer, a Blob, a Response and a file are the same model', async () => {
    const bytes = Uint8Array.from(file);
    for (const source of [bytes, bytes.buffer, new Blob([bytes]), new Response(bytes)]) {
      using model = await loadModel(source);
      expect(model.spec).toEqual(spec);
    }
  });
});
