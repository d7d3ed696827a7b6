import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import { isStack, needsFamily } from '#dist/model/plain.js';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { readerOf } from '#dist/model/tensors.js';
import { graph, planGraph } from '#dist/pack/graph.js';
import { packModel } from '#dist/pack/place.js';
import { planProgram } from '#dist/pack/plan.js';
import { planStack, stack } from '#dist/pack/stack.js';
import { loadBinary } from '#dist/wasm/binaries.js';
import { instantiateNow } from '#dist/wasm/instance-now.js';
import { stack as anyStack } from '../oracle/arbitraries.js';
import { blockedStack } from '../oracle/blocks.js';
import { graph as anyGraph } from '../oracle/graphs.js';
import { draw, layerOf, sceneOf } from '../session/draw.js';

const simd = await loadBinary('simd');
const open = (memory: WebAssembly.Memory) => instantiateNow(simd, memory);

test('what plain stacks come with plans and packs them as what graphs need does', async () => {
  await fc.assert(
    fc.asyncProperty(anyStack(), fc.integer({ min: 1, max: 9 }), async (given, workers) => {
      const spec = checkSpec(given);
      expect(isStack(spec)).toBe(true);
      expect(planProgram(spec, workers, planStack)).toEqual(planProgram(spec, workers, planGraph));
      const { tensors } = draw(spec, sceneOf());
      const [one, other] = await Promise.all(
        [stack, graph].map((packer) => packModel(spec, readerOf(tensors), 1, false, open, packer)),
      );
      expect(Buffer.compare(one!.arena.u8, other!.arena.u8)).toBe(0);
    }),
  );
});

const lstm = layerOf('lstm', 'a', 4, 8, 2);
const { blocks: _, ...whole } = lstm as Extract<LayerSpec, { kind: 'lstm' }>;

test.each<[string, LayerSpec[]]>([
  [
    'reads what is not before it',
    [lstm, layerOf('lstm', 'b', 8, 4), { ...lstm, name: 'c', inputs: ['input'] }],
  ],
  ['goes backward', [{ ...lstm, direction: 'reverse' } as LayerSpec]],
  ['goes both ways', [{ ...lstm, direction: 'bidirectional' } as LayerSpec]],
  ['reads blocks of inputs', [{ ...lstm, inputBlocks: 2 } as LayerSpec]],
  ['has blocks that differ in size', [{ ...whole, blockSizes: [3, 5] } as LayerSpec]],
  ['has a shuffle that its reader takes in', [{ kind: 'shuffle', name: 's', size: 4 }, lstm]],
  ['has a slice', [{ kind: 'slice', name: 's', inputSize: 9, from: 2, to: 6 }, lstm]],
])('a model that %s is a graph, though plain kernels run it', (_, layers) => {
  const spec: ModelSpec = { layers };
  expect(isStack(spec)).toBe(false);
  expect(needsFamily(spec)).toBe(false);
});

test('what needs kernels of the family is a graph', () => {
  fc.assert(
    fc.property(fc.oneof(anyGraph(true), anyGraph(false, 4), blockedStack()), (given) => {
      const spec = checkSpec(given);
      expect(needsFamily(spec) && isStack(spec)).toBe(false);
    }),
    { numRuns: 500 },
  );
});
