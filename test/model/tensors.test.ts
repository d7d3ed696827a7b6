import { describe, expect, test } from 'vitest';
import { createModel, type ModelSpec, type Tensors } from '#dist/node.js';
import { draw, errorFrom, expectSameBytes, layerOf, sceneOf } from '../session/draw.js';

const type = { name: 'TypeError', code: 'ERR_ARGUMENT_TYPE' };
const range = { name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' };
const mismatch = { name: 'MismatchError', code: 'ERR_MISMATCH' };

const spec: ModelSpec = {
  layers: [
    layerOf('lstm', 'a', 3, 8, 2),
    { kind: 'linear', name: 'out', inputSize: 8, outputSize: 2, bias: false },
  ],
};
const { tensors } = draw(spec, sceneOf());
const name = 'a.weight_hh';
const { data } = tensors[name]!;
const change = (value: unknown) => ({ ...tensors, [name]: value });
const { [name]: _, ...without } = tensors;

const cases: [string, unknown, object][] = [
  ['nothing', undefined, type],
  ['null', null, type],
  ['an array', [], mismatch],
  ['one missing', without, mismatch],
  ['one undefined', change(undefined), mismatch],
  ['one too many', { ...tensors, extra: { shape: [1], data: new Float32Array(1) } }, mismatch],
  [
    'a bias for a layer that has none',
    { ...tensors, 'out.bias': { shape: [2], data: new Float32Array(2) } },
    mismatch,
  ],
  ['one null', change(null), type],
  ['one that is only numbers', change(data), type],
  ['no shape', change({ data }), type],
  ['a shape that is a typed array', change({ shape: Int32Array.of(32, 4), data }), type],
  ['the shape of the dense layer', change({ shape: [32, 8], data: new Float32Array(256) }), mismatch],
  ['the shape the other way round', change({ shape: [4, 32], data }), mismatch],
  ['one axis', change({ shape: [128], data }), mismatch],
  ['three axes', change({ shape: [32, 4, 1], data }), mismatch],
  ['sizes as strings', change({ shape: ['32', '4'], data }), mismatch],
  ['sizes NaN', change({ shape: [Number.NaN, 4], data }), mismatch],
  ['a plain array of values', change({ shape: [32, 4], data: [...data] }), type],
  ['doubles', change({ shape: [32, 4], data: Float64Array.from(data) }), type],
  ['no values', change({ shape: [32, 4] }), type],
  ['too few values', change({ shape: [32, 4], data: data.subarray(1) }), mismatch],
  ['too many values', change({ shape: [32, 4], data: new Float32Array(129) }), mismatch],
];

describe('tensors that are refused', () => {
  test.each(cases)('%s', async (_, wrong, expected) => {
    expect(await errorFrom(createModel(spec, wrong as Tensors))).toMatchObject(expected);
  });

  test('the message names the tensor and both shapes', async () => {
    const wrong = change({ shape: [32, 8], data: new Float32Array(256) });
    expect((await errorFrom(createModel(spec, wrong as Tensors))).message).toBe(
      'tensor "a.weight_hh": the spec needs shape [32, 4], the tensor has [32, 8].',
    );
  });

  test('inherited ones do not count', async () => {
    expect(await errorFrom(createModel(spec, Object.create(tensors)))).toMatchObject(mismatch);
  });
});

/** Claims to be a Float32Array of so many values, without having any. */
function pretend(length: number): Float32Array {
  return Object.defineProperty(Object.create(Float32Array.prototype), 'length', { value: length });
}

test.each([
  ['one layer', 1, 2 ** 16],
  ['many layers, each of which would fit', 40, 2 ** 12],
  ['the largest of sizes', 3, 2 ** 17],
])('weights of more than 4 GiB are refused before anything is allocated: %s', async (_, count, size) => {
  const layers = Array.from({ length: count }, (_, k) => layerOf('lstm', `${k}`, size, size));
  const rows = 4 * size;
  const fakes: Tensors = {};
  for (const { name } of layers) {
    fakes[`${name}.weight_ih`] = { shape: [rows, size], data: pretend(rows * size) };
    fakes[`${name}.weight_hh`] = { shape: [rows, size], data: pretend(rows * size) };
    fakes[`${name}.bias_ih`] = { shape: [rows], data: pretend(rows) };
    fakes[`${name}.bias_hh`] = { shape: [rows], data: pretend(rows) };
  }
  const before = process.memoryUsage();
  const start = performance.now();
  const error = await errorFrom(createModel({ layers }, fakes));
  const after = process.memoryUsage();
  expect(error).toMatchObject(range);
  expect(error.message).toContain('addresses end at 4 GiB');
  expect(performance.now() - start).toBeLessThan(500);
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 ** 20);
});

test.each(['__proto__', 'constructor', 'a.weight_hh', 'toString'])('a layer named %s works', async (name) => {
  const plain: ModelSpec = { layers: [layerOf('gruAfter', 'plain', 3, 5)] };
  const { tensors, x } = draw(plain, sceneOf({ steps: 3 }));
  const renamed = Object.fromEntries(
    Object.entries(tensors).map(([key, value]) => [key.replace('plain', name), value]),
  );
  using model = await createModel(plain, tensors);
  using other = await createModel({ layers: [layerOf('gruAfter', name, 3, 5)] }, renamed);
  expectSameBytes((await other.run(x)).y, (await model.run(x)).y);
});

test('a tensor named __proto__ belongs to no layer', async () => {
  const wrong = JSON.parse('{"__proto__": 1}');
  expect(
    await errorFrom(createModel(spec, Object.assign(Object.create(null), tensors, { extra: 1 }))),
  ).toMatchObject(mismatch);
  for (const [key, value] of Object.entries(tensors)) wrong[key] = value;
  expect(await errorFrom(createModel(spec, wrong))).toMatchObject(mismatch);
});
