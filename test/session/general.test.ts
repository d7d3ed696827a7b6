import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FunctionName, functions } from '#dist/model/functions.js';
import type { LayerSpec, LstmSpec } from '#dist/model/spec.js';
import { availableKernels, createModel, type ModelSpec } from '#dist/node.js';
import { buildOnnx, onnxFunction } from '../onnx/graph.js';
import { runOnnxNode } from '../onnx/runtime.js';
import { type CellKind, generalLayer, type Scene, scene, zoned } from '../oracle/arbitraries.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, expectSameBytes, expectSameState } from './draw.js';

const every = Object.keys(functions) as FunctionName[];
const onnx = Object.keys(onnxFunction) as FunctionName[];
const kinds: readonly CellKind[] = ['lstm', 'gruAfter', 'gruBefore', 'elmanTanh'];

const expectWithin = (actual: ArrayLike<number>, expected: ArrayLike<number>, bound: ArrayLike<number>) =>
  expect(findExcess(actual, expected, bound)).toBeNull();

describe.each(availableKernels())('%s: cells that say more', (kernels) => {
  test.each(kinds)('%s lies within the bound of the oracle, and steps give the same bytes', async (kind) => {
    await fc.assert(
      fc.asyncProperty(generalLayer(kind, every).chain(zoned), scene(), async (layer, given) => {
        const spec: ModelSpec = { layers: [layer] };
        const { tensors, x, options } = draw(spec, given);
        const expected = runOracle(spec, tensors, x, options);
        using model = await createModel(spec, tensors, { kernels });
        const { y, state } = await model.run(x, options);
        expectWithin(y, expected.y, expected.bound);
        expectWithin(state[0]!.h, expected.state[0]!.h, expected.stateBound[0]!.h);
        if (state[0]!.c) expectWithin(state[0]!.c, expected.state[0]!.c!, expected.stateBound[0]!.c!);
        if (given.lengths !== null) return;
        const session = model.session(options);
        const { steps } = options;
        for (let t = 0; t < steps; t++) {
          const frame = x.slice((t * x.length) / steps, ((t + 1) * x.length) / steps);
          expectSameBytes(
            session.step(frame),
            y.subarray((t * y.length) / steps, ((t + 1) * y.length) / steps),
          );
        }
        expectSameState(session.snapshot(), state);
      }),
      { numRuns: 100 },
    );
  });
});

const twice = (bound: Float64Array) => bound.map((value) => 2 * value);

/** Each of the two programs is within the bound of exact arithmetic, so they are within twice that of each other. */
async function compare(spec: ModelSpec, given: Scene): Promise<void> {
  const { tensors, x, options } = draw(spec, given);
  const { bound, stateBound } = runOracle(spec, tensors, x, options);
  const bytes = buildOnnx(spec, tensors, { lengths: given.lengths !== null });
  const theirs = await runOnnxNode(bytes, spec, { x, ...options });
  // Its Softplus is ln(1 + eˣ) as it stands, which overflows where x is above 88; ours is then x.
  if (JSON.stringify(spec).includes('softplus')) fc.pre(theirs.y.every(Number.isFinite));
  using model = await createModel(spec, tensors);
  const ours = await model.run(x, options);
  expectWithin(ours.y, theirs.y, twice(bound));
  const { h, c } = theirs.state[0]!;
  expectWithin(ours.state[0]!.h, h, twice(stateBound[0]!.h));
  if (c) expectWithin(ours.state[0]!.c!, c, twice(stateBound[0]!.c!));
}

/**
 * onnxruntime's Elu is alpha (eˣ − 1), which keeps no digit of a small x; behind a cell there is no larger error that would
 * hide it. Cells that end in it are compared with the oracle alone, above.
 */
function endsInElu(layer: LayerSpec): boolean {
  const last =
    layer.kind === 'elman'
      ? layer.activation
      : layer.kind === 'lstm' || layer.kind === 'gru'
        ? layer.activations?.at(-1)
        : undefined;
  return (typeof last === 'object' ? last.function : last) === 'elu';
}

// Lengths from 1: for a length of 0 onnxruntime gives a state of zeros instead of the initial one.
test.each(kinds)('%s: onnxruntime-node gives the same', async (kind) => {
  await fc.assert(
    fc.asyncProperty(
      generalLayer(kind, onnx).filter((layer) => !endsInElu(layer)),
      scene(1),
      (layer, given) => compare({ layers: [layer] }, given),
    ),
    { numRuns: 60 },
  );
});

test.each<[string, Partial<LstmSpec>]>([
  ['a limit', { clip: 0.25 }],
  ['functions', { activations: ['hardSigmoid', 'tanh', 'tanh'] }],
  ['the function of the cell', { activations: ['sigmoid', 'tanh', 'softsign'] }],
  ['coupled gates', { coupled: true }],
  ['peepholes', { peepholes: true }],
  ['zoneout', { zoneout: 0.1 }],
  ['zoneout of the cell', { zoneoutCell: 0.1 }],
])('%s would be missed if they were not there', (_, said) => {
  const plain: LstmSpec = { kind: 'lstm', name: 'a', inputSize: 5, hiddenSize: 8, blocks: 2 };
  const given: Scene = { steps: 6, batch: 2, withState: true, lengths: null, seed: 3 };
  const { tensors, x, options } = draw({ layers: [{ ...plain, ...said, peepholes: true }] }, given);
  const { 'a.weight_peephole': peephole, ...others } = tensors;
  const own = said.peepholes ? tensors : others;
  expect(peephole).toBeDefined();
  const full = runOracle({ layers: [{ ...plain, ...said }] }, own, x, options);
  const without = runOracle({ layers: [plain] }, others, x, options);
  expect(
    findExcess(
      without.y,
      full.y,
      full.bound.map((v) => 100 * v),
    ),
  ).not.toBeNull();
});
