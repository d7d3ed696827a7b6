import fc from 'fast-check';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { buildOnnx } from '../onnx/graph.js';
import {
  makeFeeds,
  type OnnxFeeds,
  openOnnxNode,
  readOutputs,
  runOnnxNode,
  type TensorClass,
} from '../onnx/runtime.js';
import { cellKinds, recurrentLayer, type Scene, scene, stack } from './arbitraries.js';
import { expandToDense } from './dense.js';
import { followOracle } from './follow.js';
import { runOracle } from './model.js';
import { randomInput, randomModel, randomState, randomValues } from './random.js';
import { spectralBound } from './spectral.js';
import { dotBound, findExcess, UNIT_ROUNDOFF } from './tolerance.js';

describe('a block layer', () => {
  it('is the dense layer that holds its weights', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...cellKinds).chain((kind) => recurrentLayer(kind)),
        scene(),
        (layer, given) => {
          const { spec, tensors, x, options } = draw({ layers: [layer] }, given);
          const block = runOracle(spec, tensors, x, options);
          const wide = expandToDense(spec, tensors);
          const dense = runOracle(wide.spec, wide.tensors, x, options);
          // Zeros add nothing, so not one bit may differ; only + 0 and - 0 may, which toEqual would tell apart.
          expect(findExcess(dense.y, block.y, new Float64Array(block.y.length))).toBeNull();
          for (const [k, { h, c }] of block.state.entries()) {
            expect(findExcess(dense.state[k]!.h, h, new Float64Array(h.length))).toBeNull();
            if (c) expect(findExcess(dense.state[k]!.c!, c, new Float64Array(c.length))).toBeNull();
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

// A length of 0 is left to the test by hand: onnxruntime then gives a state of zeros instead of the initial one.
describe('the oracle and onnxruntime-node agree within the derived bound', () => {
  it.each(cellKinds)('%s, dense, block and diagonal', async (kind) => {
    await fc.assert(
      fc.asyncProperty(recurrentLayer(kind), scene(1), (layer, given) => compare({ layers: [layer] }, given)),
      { numRuns: 200 },
    );
  });

  it('stacks with embedding, linear and activations', async () => {
    await fc.assert(fc.asyncProperty(stack(), scene(1), compare), { numRuns: 200 });
  });

  it.each([
    { kind: 'lstm' },
    { kind: 'gru', resetAfter: true },
    { kind: 'gru', resetAfter: false },
    { kind: 'elman' },
  ] as const)('wide and long, step by step: %j', async (cell) => {
    const spec: ModelSpec = {
      layers: [
        { ...cell, name: 'a', inputSize: 24, hiddenSize: 96 },
        { ...cell, name: 'b', inputSize: 96, hiddenSize: 96, blocks: 4 },
      ],
    };
    const { tensors, x, options } = draw(spec, {
      steps: 60,
      batch: 2,
      withState: true,
      lengths: null,
      seed: 7,
    });
    const session = await openOnnxNode(buildOnnx(spec, tensors));
    const run = async (x: Float32Array | Int32Array, state: OnnxFeeds['state']) => {
      const feeds = makeFeeds(Tensor as TensorClass<Tensor>, spec, { x, steps: 1, batch: 2, state });
      return readOutputs(spec, await session.run(feeds));
    };
    expect(await followOracle(spec, tensors, x, options, run)).toBeNull();
    // One state that drifts by 2e-4 in the middle of the run is seen.
    const drift = await followOracle(spec, tensors, x, options, async (x, state, t) => {
      const result = await run(x, state);
      if (t === 30) result.state[1]!.h[17]! += 2e-4;
      return result;
    });
    expect(drift).toMatchObject({ t: 30, index: 17, what: 'h of recurrent layer 1' });
    await session.release();
  });
});

describe('the bounds', () => {
  it.each([
    { kind: 'lstm' },
    { kind: 'gru', resetAfter: true },
    { kind: 'gru', resetAfter: false },
    { kind: 'elman', activation: 'tanh' },
    { kind: 'elman', activation: 'relu' },
  ] as const)('stay far below what a wrong weight would cost: %j', (cell) => {
    const spec: ModelSpec = { layers: [{ ...cell, name: 'a', inputSize: 16, hiddenSize: 64, blocks: 2 }] };
    const { tensors, x, options } = draw(spec, {
      steps: 50,
      batch: 1,
      withState: false,
      lengths: null,
      seed: 3,
    });
    const run = runOracle(spec, tensors, x, options);
    expect(Math.max(...run.bound)).toBeLessThan(2e-3);
    expect(Math.max(...run.bound.subarray(0, 64))).toBeLessThan(2e-5);
    // The unit that ends largest is not one that relu has silenced; all of one row's weights are off.
    const last = run.y.subarray(-64);
    const unit = last.indexOf(Math.max(...last));
    for (const name of Object.keys(tensors)) {
      const { shape, data } = tensors[name]!;
      const width = shape[1] ?? 1;
      const wrong = data.map((w, at) => (Math.floor(at / width) === unit ? w + 0.01 : w));
      const other = runOracle(spec, { ...tensors, [name]: { shape, data: wrong } }, x, options);
      expect(findExcess(other.y, run.y, run.bound), name).not.toBeNull();
    }
  });

  it('hold for a dot product in f32, and are of its order', () => {
    const random = seededRandom(1);
    let least = Number.POSITIVE_INFINITY;
    for (let trial = 0; trial < 2000; trial++) {
      const w = randomValues(random, 3);
      const x = randomValues(random, 3);
      let near = 0;
      let far = 0;
      for (let k = 0; k < 3; k++) {
        near = Math.fround(near + Math.fround(w[k]! * x[k]!));
        far += w[k]! * x[k]!;
      }
      least = Math.min(least, dotBound(w, x) - Math.abs(near - far));
      expect(Math.abs(near - far)).toBeLessThanOrEqual(dotBound(w, x));
      expect(dotBound(w, x)).toBeLessThan(9 * UNIT_ROUNDOFF);
    }
    expect(least).toBeGreaterThan(0);
  });

  it('the spectral bound lies between the norm and its stated excess', () => {
    // A reflection's norm is 1, and so is its product with any scale: I - 2 v transpose(v) / (v . v)
    for (const width of [1, 2, 5, 16, 40, 300]) {
      const v = randomValues(seededRandom(width), width);
      const square = v.reduce((sum, value) => sum + value * value, 0);
      const reflection = Array.from(
        { length: width * width },
        (_, at) =>
          3 * ((at % (width + 1) === 0 ? 1 : 0) - (2 * v[Math.floor(at / width)]! * v[at % width]!) / square),
      );
      const bound = spectralBound(reflection, width, width);
      expect(bound).toBeGreaterThanOrEqual(3);
      // Wide ones are bounded by iteration, which may be 1.45 of G too large.
      expect(bound).toBeLessThanOrEqual(3 * (width > 256 ? 1.21 : width ** (1 / 64)) * (1 + 1e-6));
    }
    expect(spectralBound([0, 0, 0, 0], 2, 2)).toBe(0);
  });

  it('findExcess sees NaN, a missing value, a useless bound and the worst of several', () => {
    expect(findExcess([1], [1], [0])).toBeNull();
    expect(findExcess([Number.NaN], [1], [9])).not.toBeNull();
    expect(findExcess([1], [1, 2], [9, 9])).not.toBeNull();
    expect(findExcess([1], [1], [Number.POSITIVE_INFINITY])).not.toBeNull();
    expect(findExcess([1.2, 3, 1], [1, 1, 1], [0.1, 0.1, 0.1])?.index).toBe(1);
  });
});

function draw(spec: ModelSpec, { steps, batch, withState, lengths, seed }: Scene) {
  const random = seededRandom(seed);
  const tensors = randomModel(random, spec);
  const x = randomInput(random, spec, { steps, batch });
  const state = withState ? randomState(random, spec, batch) : undefined;
  return { spec, tensors, x, options: { steps, batch, state, lengths: lengths ?? undefined } };
}

async function compare(model: ModelSpec, given: Scene): Promise<void> {
  const { spec, tensors, x, options } = draw(model, given);
  const expected = runOracle(spec, tensors, x, options);
  const bytes = buildOnnx(spec, tensors, { lengths: given.lengths !== null });
  const actual = await runOnnxNode(bytes, spec, { x, ...options });
  // A bound that has grown near the values themselves would let anything pass.
  expect(Math.max(...expected.bound)).toBeLessThan(1e-2 * Math.max(1, ...expected.y.map(Math.abs)));
  expect(findExcess(actual.y, expected.y, expected.bound)).toBeNull();
  expect(actual.state.length).toBe(expected.state.length);
  for (const [k, { h, c }] of expected.state.entries()) {
    expect(findExcess(actual.state[k]!.h, h, expected.stateBound[k]!.h)).toBeNull();
    if (c) expect(findExcess(actual.state[k]!.c!, c, expected.stateBound[k]!.c!)).toBeNull();
  }
}
