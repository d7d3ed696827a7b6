import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createModel, type ModelSpec } from '#dist/node.js';
import { buildOnnx } from '../onnx/graph.js';
import { runOnnxNode } from '../onnx/runtime.js';
import { cellKinds, recurrentLayer, type Scene, scene, stack } from '../oracle/arbitraries.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw } from './draw.js';

const twice = (bound: Float64Array) => bound.map((value) => 2 * value);

/** Each of the two programs is within the bound of exact arithmetic, so they are within twice that of each other. */
async function compare(spec: ModelSpec, given: Scene): Promise<void> {
  const { tensors, x, options } = draw(spec, given);
  const { bound, stateBound } = runOracle(spec, tensors, x, options);
  const bytes = buildOnnx(spec, tensors, { lengths: given.lengths !== null });
  const theirs = await runOnnxNode(bytes, spec, { x, ...options });
  using model = await createModel(spec, tensors);
  const ours = await model.run(x, options);
  expect(findExcess(ours.y, theirs.y, twice(bound))).toBeNull();
  for (const [k, { h, c }] of theirs.state.entries()) {
    expect(findExcess(ours.state[k]!.h, h, twice(stateBound[k]!.h))).toBeNull();
    if (c) expect(findExcess(ours.state[k]!.c!, c, twice(stateBound[k]!.c!))).toBeNull();
  }
}

// Lengths from 1: for a length of 0 onnxruntime gives a state of zeros instead of the initial one.
test.each(cellKinds)('%s: onnxruntime-node gives the same', async (kind) => {
  await fc.assert(
    fc.asyncProperty(recurrentLayer(kind), scene(1), (layer, given) => compare({ layers: [layer] }, given)),
    { numRuns: 25 },
  );
});

test('stacks: onnxruntime-node gives the same', async () => {
  await fc.assert(fc.asyncProperty(stack(), scene(1), compare), { numRuns: 40 });
});
