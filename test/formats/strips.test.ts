import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { encodeModel } from '#dist/formats/native.js';
import { readModel } from '#dist/formats/read.js';
import { readSafetensors } from '#dist/formats/safetensors.js';
import { sparsify } from '#dist/formats/strips.js';
import { compactModel } from '#dist/formats/structure.js';
import { checkSpec } from '#dist/model/check.js';
import type { LstmSpec, ModelSpec, RecurrentLayerSpec, StripShape } from '#dist/model/spec.js';
import { checkTensors, type ModelFile, type Tensors } from '#dist/model/tensors.js';
import { createModel, loadModel } from '#dist/node.js';
import { type CellKind, cellKinds } from '../oracle/arbitraries.js';
import { randomModel } from '../oracle/random.js';
import { expandStripsToDense, gatesOf, stripShapes, withStrips } from '../oracle/strips.js';
import { errorFrom, layerOf } from '../session/draw.js';
import { errorOf } from './bytes.js';

const sizes = { '8x4': [8, 4], '16x1': [16, 1], '4x4': [4, 4] } as const;

/** A model of one dense layer, in which a part of the strips of a shape, and perhaps the diagonal, are not zero. */
function planted(
  kind: CellKind,
  hiddenSize: number,
  shape: StripShape,
  density: number,
  diagonal: boolean,
  seed: number,
): ModelFile & { layer: RecurrentLayerSpec } {
  const random = seededRandom(seed);
  const layer = layerOf(kind, 'rnn', 3, hiddenSize);
  const spec = checkSpec({ layers: [layer] });
  const tensors = checkTensors(spec, randomModel(random, spec));
  const { data } = tensors['rnn.weight_hh']!;
  const [rows, columns] = sizes[shape];
  const kept = new Map<number, boolean>();
  for (let at = 0; at < data.length; at++) {
    const row = Math.floor(at / hiddenSize);
    const [gate, unit, column] = [Math.floor(row / hiddenSize), row % hiddenSize, at % hiddenSize];
    const strip = (gate * 1000 + Math.floor(unit / rows)) * 1000 + Math.floor(column / columns);
    if (!kept.has(strip)) kept.set(strip, random() < density);
    if (!kept.get(strip)! && !(diagonal && unit === column)) data[at] = 0;
  }
  return { spec, tensors, layer };
}

const anyLayer = fc.record({
  kind: fc.constantFrom<CellKind>(...cellKinds),
  hiddenSize: fc.constantFrom(4, 5, 7, 8, 9, 16, 18, 31, 40),
  shape: fc.constantFrom<StripShape>(...stripShapes),
  density: fc.constantFrom(0, 0.1, 0.3),
  diagonal: fc.boolean(),
  seed: fc.nat(),
});

describe('sparsify', () => {
  test('loses nothing where it is not told to', () => {
    fc.assert(
      fc.property(anyLayer, fc.boolean(), ({ kind, hiddenSize, shape, density, diagonal, seed }, told) => {
        const file = planted(kind, hiddenSize, shape, density, diagonal, seed);
        const sparse = sparsify(file, told ? { shape } : {});
        const same = expandStripsToDense(sparse.spec, sparse.tensors);
        expect(same.spec).toEqual(file.spec);
        for (const [name, { data }] of Object.entries(file.tensors))
          expect(same.tensors[name]!.data.every((value, i) => value === data[i])).toBe(true);
        checkTensors(checkSpec(sparse.spec), sparse.tensors);
      }),
      { numRuns: 300 },
    );
  });

  test('finds strips of 8×4 and the diagonal, and says how many there are', () => {
    const file = planted('lstm', 40, '8x4', 0.2, true, 5);
    const [layer] = sparsify(file).spec.layers as [LstmSpec];
    expect(layer.strips).toMatchObject({ shape: '8x4', diagonal: true });
    expect(layer.strips!.count).toBeLessThan(0.3 * 4 * 5 * 10);
    // A layer without zeros is better off dense.
    const full = planted('lstm', 40, '8x4', 1, true, 5);
    expect(sparsify(full).spec).toEqual(full.spec);
  });

  test('keeps the strips of the largest norm in each gate', () => {
    fc.assert(
      fc.property(anyLayer, fc.constantFrom(0, 0.2, 0.5, 1), ({ kind, hiddenSize, shape, seed }, density) => {
        const { spec, tensors, layer } = planted(kind, hiddenSize, shape, 1, true, seed);
        const sparse = sparsify({ spec, tensors }, { shape, density });
        const { data } = expandStripsToDense(sparse.spec, sparse.tensors).tensors['rnn.weight_hh']!;
        const [rows, columns] = sizes[shape];
        const across = Math.ceil(hiddenSize / columns);
        const down = Math.ceil(hiddenSize / rows);
        for (let gate = 0; gate < gatesOf(layer); gate++) {
          const all = Array.from({ length: across * down }, () => ({ norm: 0, kept: false, lost: false }));
          for (let unit = 0; unit < hiddenSize; unit++) {
            for (let column = 0; column < hiddenSize; column++) {
              const at = (gate * hiddenSize + unit) * hiddenSize + column;
              const value = tensors['rnn.weight_hh']!.data[at]!;
              if (unit === column) expect(data[at]).toBe(value);
              if (unit === column || value === 0) continue;
              const strip = all[Math.floor(unit / rows) * across + Math.floor(column / columns)]!;
              strip.norm += value * value;
              if (data[at] === value) strip.kept = true;
              else strip.lost = true;
            }
          }
          const full = all.filter(({ norm }) => norm > 0);
          const kept = full.filter((strip) => strip.kept);
          expect(all.some((strip) => strip.kept && strip.lost)).toBe(false);
          expect(kept.length).toBe(Math.min(full.length, Math.round(density * all.length)));
          const least = Math.min(...kept.map(({ norm }) => norm));
          for (const { norm } of full.filter((strip) => strip.lost)) expect(norm).toBeLessThanOrEqual(least);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('takes a density for each gate', () => {
    const { spec, tensors } = planted('gruAfter', 32, '8x4', 1, false, 1);
    const sparse = sparsify({ spec, tensors }, { density: [0.25, 0, 1], diagonal: false });
    const [layer] = sparse.spec.layers as [LstmSpec];
    expect(layer.strips).toEqual({ shape: '8x4', count: 8 + 0 + 32, diagonal: false });
  });

  test('refuses what it cannot do, and leaves what is no dense layer', () => {
    const { spec, tensors } = planted('gruAfter', 32, '8x4', 1, false, 1);
    const call = (options: object) => errorOf(() => sparsify({ spec, tensors }, options));
    expect(call({ shape: '2x2' })).toBeInstanceOf(RangeError);
    expect(call({ density: 1.5 })).toBeInstanceOf(RangeError);
    expect(call({ density: [0.1, 0.1] }).message).toMatch(/3, one for each gate/);
    expect(call({ diagonal: 'no' })).toBeInstanceOf(TypeError);
    const layers = [
      layerOf('lstm', 'blocks', 2, 12, 3),
      layerOf('elmanTanh', 'narrow', 12, 3),
      { ...layerOf('elmanTanh', 'both', 3, 8), direction: 'bidirectional' as const },
    ];
    const others = checkSpec({ layers });
    const file = { spec: others, tensors: randomModel(seededRandom(1), others) };
    expect(sparsify(file, { shape: '8x4', density: 0.1 }).spec).toEqual(others);
  });
});

describe('a model with strips', () => {
  const plain: ModelSpec = { layers: [layerOf('gruAfter', 'rnn', 3, 20)] };
  const made = withStrips(1, plain, randomModel(seededRandom(1), plain), '8x4', 0.4, true);

  test('comes back from a file', () => {
    const file = readModel(encodeModel(made));
    expect(file.spec).toEqual(checkSpec(made.spec));
    expect({ ...file.tensors }).toEqual(made.tensors);
    expect(compactModel(file, 'auto').spec).toEqual(file.spec);
    expect(errorOf(() => compactModel(file, 2)).message).toMatch(/in strips/);
  });

  test('has its index stream as f32 in a file of f16, which has not all whole numbers', () => {
    const layer = layerOf('elmanTanh', 'rnn', 1, 2100);
    const wide = checkSpec({ layers: [{ ...layer, strips: { shape: '16x1', count: 1 } }] });
    const tensors = randomModel(seededRandom(1), wide);
    tensors['rnn.strips']!.data.fill(0);
    tensors['rnn.strips']!.data.set([1, 2051]);
    const { tensors: read } = readSafetensors(encodeModel({ spec: wide, tensors }, { dtype: 'f16' }));
    expect(read['rnn.strips']!.dtype).toBe('F32');
    expect(read['rnn.strips']!.data).toEqual(tensors['rnn.strips']!.data);
    expect(read['rnn.weight_hh']!.dtype).toBe('F16');
  });

  const count = made.tensors['rnn.weight_hh']!.shape[0]!;
  const stream = [...made.tensors['rnn.strips']!.data];
  const broken: Record<string, number[]> = {
    'a column past the last': stream.map((v, i) => (i === 1 ? 17 : v)),
    'a column below the first': stream.map((v, i) => (i === 1 ? -1 : v)),
    'a column between two': stream.map((v, i) => (i === 1 ? 1.5 : v)),
    'a column that is none': stream.map((v, i) => (i === 1 ? Number.NaN : v)),
    'more strips than there are': [count + 1, ...stream.slice(1)],
    'fewer strips than there are': new Array(stream.length).fill(0),
    'a negative number of strips': [-1, ...stream.slice(1)],
  };
  test.each(Object.keys(broken))('is refused for %s, from code and from a file', async (what) => {
    const tensors: Tensors = {
      ...made.tensors,
      'rnn.strips': { shape: [stream.length], data: Float32Array.from(broken[what]!) },
    };
    expect(stream[0]).toBeGreaterThan(0);
    const error = await errorFrom(createModel(made.spec, tensors));
    expect(error).toMatchObject({ code: 'ERR_MISMATCH' });
    expect(error.message).toMatch(/rnn\.strips/);
    // A hostile file: the stream is written over.
    const bytes = encodeModel(made);
    const view = new DataView(bytes.buffer);
    const first = find(view, stream);
    for (const [i, value] of broken[what]!.entries()) view.setFloat32(first + i * 4, value, true);
    expect(await errorFrom(loadModel(bytes))).toMatchObject({ code: 'ERR_MISMATCH' });
  });
});

test.each([
  [{ shape: '8x4' }, /count/],
  [{ shape: '8x3', count: 1 }, /shape/],
  [{ shape: '8x4', count: -1 }, /count/],
  [{ shape: '8x4', count: 2 ** 30 }, /count/],
  [{ shape: '8x4', count: 1, diagonal: 1 }, /diagonal/],
  ['8x4', /strips/],
])('a spec with strips %j is refused', (strips, message) => {
  const layer = { ...layerOf('lstm', 'rnn', 3, 20), strips };
  expect(errorOf(() => checkSpec({ layers: [layer] })).message).toMatch(message);
});

test('strips are for dense layers that go forward and are as wide as a strip', () => {
  const strips = { shape: '8x4', count: 1 };
  for (const more of [{ blocks: 2 }, { direction: 'reverse' }, { hiddenSize: 3 }])
    expect(
      errorOf(() => checkSpec({ layers: [{ ...layerOf('lstm', 'rnn', 3, 20), strips, ...more }] })),
    ).toBeInstanceOf(RangeError);
});

/** Where f32 values stand in a file. */
function find(view: DataView, values: readonly number[]): number {
  for (let at = 0; at + values.length * 4 <= view.byteLength; at += 4) {
    if (values.every((value, i) => view.getFloat32(at + i * 4, true) === value)) return at;
  }
  throw new Error('not found');
}
