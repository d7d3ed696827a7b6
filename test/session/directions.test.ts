import { describe, expect, test } from 'vitest';
import type { RecurrentLayerSpec } from '#dist/model/spec.js';
import { availableKernels, createModel, type ModelSpec } from '#dist/node.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import { cellKinds } from '../oracle/arbitraries.js';
import { draw, errorFrom, expectSameBytes, expectSameRun, layerOf, sceneOf } from './draw.js';

const sizes = { name: 'a', inputSize: 5, hiddenSize: 12 };
const familyLayers: RecurrentLayerSpec[] = [
  { kind: 'slstm', ...sizes, blocks: 3 },
  { kind: 'lnlstm', ...sizes, blocks: 3 },
  { kind: 'lngru', ...sizes, blocks: 3 },
  { kind: 'sru', ...sizes },
  { kind: 'qrnn', ...sizes },
];
const [steps, batch] = [300, 70];
const lengths = Int32Array.from({ length: batch }, (_, b) =>
  b === 3 ? 0 : b === 4 ? steps : 1 + ((b * 37) % steps),
);

/** x [T, B, width] with each stream's own steps from the last to the first. */
function turn(x: Float32Array, width: number): Float32Array {
  const turned = x.slice();
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < lengths[b]!; t++) {
      const from = ((lengths[b]! - 1 - t) * batch + b) * width;
      turned.set(x.subarray(from, from + width), (t * batch + b) * width);
    }
  }
  return turned;
}

/** Columns [from, to) of rows. */
function columns(rows: Float32Array, width: number, from: number, to: number): Float32Array {
  return rows.filter((_, i) => i % width >= from && i % width < to);
}

describe.each(availableKernels())('%s', (kernels) => {
  // In several pieces, and streams in two slices.
  test.each<[string, RecurrentLayerSpec]>([
    ...cellKinds.map((kind): [string, RecurrentLayerSpec] => [kind, layerOf(kind, 'a', 5, 12, 3)]),
    ...familyLayers.map((layer): [string, RecurrentLayerSpec] => [layer.kind, layer]),
  ])('%s backward is the same layer forward over what is turned around', async (_, layer) => {
    const spec: ModelSpec = { layers: [{ ...layer, direction: 'bidirectional' }] };
    const given = sceneOf({ steps, batch, withState: true, lengths, seed: 3 });
    const { tensors, x, options } = draw(spec, given);
    const only = (end: string) =>
      Object.fromEntries(
        Object.entries(tensors)
          .filter(([name]) => name.endsWith('_reverse') === (end !== ''))
          .map(([name, tensor]) => [name.replace('_reverse', ''), tensor]),
      );
    const [before, beforeReverse] = options.state!;
    using model = await createModel(spec, tensors, { kernels });
    using forward = await createModel({ layers: [layer] }, only(''), { kernels });
    using backward = await createModel({ layers: [layer] }, only('_reverse'), { kernels });
    const { y, state } = await model.run(x, options);
    const there = await forward.run(x, { ...options, state: [before!] });
    const turned = turn(x as Float32Array, 5);
    const back = await backward.run(turned, { ...options, state: [beforeReverse!] });
    expectSameBytes(columns(y, 24, 0, 12), there.y);
    expectSameBytes(columns(y, 24, 12, 24), turn(back.y, 12));
    expectSameRun({ y, state }, { y, state: [...there.state, ...back.state] });
  });

  test('several layers, several pieces: any number of threads gives the same bytes', async () => {
    const both = { direction: 'bidirectional' } as const;
    const spec: ModelSpec = {
      layers: [
        { ...layerOf('lstm', 'a', 7, 20), ...both },
        { kind: 'linear', name: 'b', inputSize: 40, outputSize: 9 },
        { ...layerOf('gruBefore', 'c', 9, 24, 3), ...both },
        { ...layerOf('elmanTanh', 'd', 48, 33, 33), direction: 'reverse' },
        { kind: 'combine', name: 'e', combine: 'add', inputs: ['d', 'd'] },
        { kind: 'lngru', name: 'f', inputSize: 33, hiddenSize: 12, blocks: 4, ...both },
        { kind: 'sru', name: 'g', inputSize: 24, hiddenSize: 10, direction: 'reverse' },
        { kind: 'linear', name: 'h', inputSize: 10, outputSize: 5 },
      ],
    };
    expect(planProgram(spec, 1, planGraph).stages.length).toBe(8);
    const { tensors, x, options } = draw(spec, sceneOf({ steps, batch, withState: true, lengths }));
    using solo = await createModel(spec, tensors, { kernels });
    const expected = await solo.run(x, options);
    for (const threads of [2, 3, 5]) {
      using crew = await createModel(spec, tensors, { kernels, threads });
      expectSameRun(await crew.run(x, options), expected);
    }
  });
});

const spec: ModelSpec = { layers: [{ ...layerOf('lstm', 'a', 3, 4), direction: 'bidirectional' }] };
const { tensors, x } = draw(spec, sceneOf({ steps: 8 }));

test('there are no sessions and no shares: they would need what is still to come', async () => {
  using model = await createModel(spec, tensors);
  expect(() => model.session()).toThrow(/layer a .*model\.run/);
  expect(await errorFrom(model.share())).toMatchObject({ code: 'ERR_UNSUPPORTED' });
  expect((await model.run(x)).y.length).toBe(8 * 8);
});

test('progress ends with all steps, and an abort leaves the next run as if nothing had been', async () => {
  const { tensors, x, options } = draw(spec, sceneOf({ steps: 3000, batch: 4 }));
  using model = await createModel(spec, tensors);
  const seen: number[] = [];
  const first = await model.run(x, { ...options, onProgress: (done) => seen.push(done) });
  expect(seen.at(-1)).toBe(3000);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  const abort = new AbortController();
  const broken = model.run(x, { ...options, signal: abort.signal, onProgress: () => abort.abort() });
  expect(await errorFrom(broken)).toMatchObject({ name: 'AbortError' });
  expectSameRun(await model.run(x, options), first);
});
