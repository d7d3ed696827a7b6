import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DreamerOptions, decodeDreamer, planDreamer } from '#dist/formats/layouts/dreamerv3.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';
import { errorOf } from '../bytes.js';
import { walk } from './walk.js';

const made = JSON.parse(readFileSync(new URL('dreamerv3.json', import.meta.url), 'utf8')) as {
  steps: number;
  inputs: number[];
  states: number[];
  params: Record<string, { shape: number[]; data: number[] }>;
};
const params: Tensors = Object.fromEntries(
  Object.entries(made.params).map(([name, { shape, data }]) => [
    name,
    { shape, data: Float32Array.from(data) },
  ]),
);
const modelOf = (arrays: Tensors, options?: DreamerOptions) => {
  const { layers, tensors } = planDreamer(arrays, options);
  return { spec: { layers }, tensors };
};
const worst = (found: number[]) => Math.max(...found.map((value, i) => Math.abs(value - made.states[i]!)));
/** epsilon and update − 1 are f32 in the model; all other weights are multiples of 2^-10. */
const tolerance = 1e-6;

describe('what the equations make of two episodes', () => {
  test('under the names of an agent', () => {
    expect(worst(walk(modelOf(params), made.inputs, made.steps).flat())).toBeLessThan(tolerance);
  });

  test('under the names of the RSSM alone', () => {
    const bare = Object.fromEntries(
      Object.entries(params).flatMap(([name, value]) =>
        name.startsWith('dyn/') ? [[name.slice(4), value]] : [],
      ),
    );
    expect(modelOf(bare)).toEqual(modelOf(params));
  });

  test('with an episode that does not begin again, the states are others', () => {
    const inputs = made.inputs.map((value, i) => (i % 9 === 8 ? Number(i === 8) : value));
    const found = walk(modelOf(params), inputs, made.steps);
    expect(worst(found.slice(0, 4).flat())).toBeLessThan(tolerance);
    expect(Math.abs(found[4]![0]! - made.states[24]!)).toBeGreaterThan(1e-3);
  });
});

test('what becomes of the parameters', () => {
  const { layers, tensors } = planDreamer(params);
  const shapes = Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
  expect(shapes).toMatchObject({
    'dynin1.weight': [4, 5],
    'dynhid0.deter.weight': [6, 3],
    'dynhid0.embedding.weight': [6, 4],
    'dynhid0.given.weight': [6, 8],
    'dynhid1.weight': [6, 3],
    'dyngru.update.weight': [6, 3],
    'dynhid0norm.weight': [6],
  });
  // Block 1, unit 0 of the update gate: column 2·D of the second kernel.
  const kernel = params['dyn/dyngru/kernel']!.data;
  expect([...tensors['dyngru.update.weight']!.data.subarray(9, 12)]).toEqual([
    kernel[33],
    kernel[42],
    kernel[51],
  ]);
  expect(layers.at(-1)).toMatchObject({ kind: 'combine', name: 'deter', combine: 'add' });
  expect(layers.find(({ name }) => name === 'deter.before')).toMatchObject({
    kind: 'delay',
    inputs: ['deter'],
  });
});

const tensor = (...shape: number[]): Tensor => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});
const without = (...parts: string[]): Tensors =>
  Object.fromEntries(Object.entries(params).filter(([name]) => !parts.some((part) => name.includes(part))));
test.each<[string, Tensors, DreamerOptions, string, RegExp]>([
  ['gelu', params, { activation: 'gelu' }, 'ERR_UNSUPPORTED', /"gelu" is not done; silu/],
  ['nothing', {}, {}, 'ERR_MISMATCH', /no core of DreamerV3/],
  [
    'two cores',
    { ...params, 'slow/dyngru/kernel': tensor(2, 3, 9) },
    {},
    'ERR_MISMATCH',
    /more than one core/,
  ],
  ['no embedding', without('dynin1'), {}, 'ERR_MISMATCH', /dynin1\/kernel" is missing/],
  ['no norm', without('dynhid1norm'), {}, 'ERR_MISMATCH', /dynhid1norm\/scale" is missing/],
  ['no bias', without('dyngru/bias'), {}, 'ERR_MISMATCH', /dyngru\/bias" is missing/],
  [
    'another norm',
    { ...params, 'dyn/dynin0norm/shift': tensor(4) },
    {},
    'ERR_UNSUPPORTED',
    /a norm other than rms/,
  ],
  [
    'other blocks',
    { ...params, 'dyn/dynhid0/kernel': tensor(3, 14, 2) },
    {},
    'ERR_MISMATCH',
    /imply \[2, 15, 3\]/,
  ],
  [
    'a cell of two gates',
    { ...params, 'dyn/dyngru/kernel': tensor(2, 3, 6) },
    {},
    'ERR_MISMATCH',
    /\[N, H\/N, 3·H\/N\]/,
  ],
  [
    'a layer left over',
    { ...params, 'dyn/dynhid3/kernel': tensor(2, 3, 3) },
    {},
    'ERR_MISMATCH',
    /no layer uses/,
  ],
])('%s is an error', (_, weights, options, code, message) => {
  const error = errorOf(() => decodeDreamer(weights, options));
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
});

test('mutated names and shapes give layers or one of the errors', () => {
  const names = Object.keys(params);
  const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.constantFrom(...names, ''), sizes, (name, other, shape) => {
      const arrays = { ...params };
      if (other === '') delete arrays[name];
      else arrays[name] = shape.length > 0 ? tensor(...shape) : arrays[other]!;
      try {
        decodeDreamer(arrays);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(?:MISMATCH|UNSUPPORTED)$/) });
      }
    }),
    { numRuns: 300 },
  );
});
