import { describe, expect, it, test } from 'vitest';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import { type CarriedState, createTrainer } from '#dist/train-node.js';
import { layerOf } from '../session/draw.js';
import { modelOf, normedTower, randomBatch, randomWeights, secondTower, tower } from './batches.js';
import { blockKinds, lossesBy, trainKinds } from './cells.js';
import { type OracleBatch, type OracleLoss, trainOracle, type Weights } from './oracle.js';
import { batchOf, expectOracle, f32Of, optionsOf, trainerOf } from './trained.js';

const losses: OracleLoss[] = [
  { kind: 'steps' },
  { kind: 'sequence', pool: 'last' },
  { kind: 'sequence', pool: 'mean' },
  { kind: 'ctc' },
];

/** Sizes at which panels, vectors, parts and shares are full, nearly full, or nearly empty. */
const structures = [
  { hiddenSize: 1, blocks: 1, inputSize: 1, outputs: 1 },
  { hiddenSize: 3, blocks: 3, inputSize: 9, outputs: 2 },
  { hiddenSize: 7, blocks: 1, inputSize: 9, outputs: 65 },
  { hiddenSize: 10, blocks: 2, inputSize: 3, outputs: 2 },
  { hiddenSize: 9, blocks: 3, inputSize: 1, outputs: 9 },
  { hiddenSize: 20, blocks: 1, inputSize: 5, outputs: 4 },
  { hiddenSize: 40, blocks: 2, inputSize: 2, outputs: 3 },
  { hiddenSize: 40, blocks: 40, inputSize: 9, outputs: 3 },
  { hiddenSize: 32, blocks: 32, inputSize: 2, outputs: 2 },
];

/** Measures by turns, so that every structure meets some of them and every kind of batch meets every cell. */
const scenes = [
  { steps: 5, batch: 3, lengths: [5, 1, 3] },
  { steps: 1, batch: 1 },
  { steps: 4, batch: 2, withState: true },
  { steps: 3, batch: 5, lengths: [3, 0, 1, 2, 3], withState: true },
  { steps: 9, batch: 1 },
];

const noEmpty = (lengths: number[] | undefined) => lengths?.map((length) => Math.max(1, length));

/** A batch that suits a loss: an empty stream has no last output. */
function drawBatch(spec: ModelSpec, loss: OracleLoss, scene: number, seed: number): OracleBatch {
  const { lengths, ...given } = scenes[scene % scenes.length]!;
  const own = loss.kind === 'steps' ? lengths : noEmpty(lengths);
  const batch = randomBatch(spec, loss, { ...given, seed, ...(own === undefined ? {} : { lengths: own }) });
  const { targets } = batch;
  // At least one target counts.
  if (targets instanceof Int32Array) targets[0] = 0;
  // Of one class there is the blank alone.
  else if (outputsOf(spec) === 1) return { ...batch, targets: Array.from({ length: batch.batch }, () => []) };
  return batch;
}

function outputsOf({ layers }: ModelSpec): number {
  const last = layers.findLast((layer) => layer.kind === 'linear')!;
  return last.outputSize;
}

describe.each(availableKernels())('%s: gradients, losses and hits are the oracle’s', (kernels) => {
  describe.each(trainKinds)('%s', (kind) => {
    it.each(structures)('$blocks blocks, $hiddenSize units, $inputSize in, $outputs out', async (sizes) => {
      const spec = modelOf(kind, sizes);
      const turn = structures.indexOf(sizes as (typeof structures)[number]) + trainKinds.indexOf(kind);
      for (const [k, loss] of lossesBy(losses, kind, turn)) {
        const weights = randomWeights(spec, turn * 10 + k, 0.8, true);
        const batch = drawBatch(spec, loss, turn + k, turn + k);
        const trainer = await trainerOf(spec, weights, batch, { kernels });
        await expectOracle(trainer, weights, batch, { what: JSON.stringify(loss) });
        trainer.dispose();
      }
    });
  });

  const towers = [1, 2, 6].flatMap((blocks) => [
    { blocks, name: 'of all layers', spec: tower(6, blocks) },
    { blocks, name: 'of other cells', spec: secondTower(6, blocks) },
    { blocks, name: 'of normed cells', spec: normedTower(6, blocks) },
  ]);
  it.each(towers)('a tower $name, $blocks blocks', async ({ blocks, spec }) => {
    for (const [k, loss] of losses.entries()) {
      const weights = randomWeights(spec, k + 1, 0.8, true);
      const batch = drawBatch(spec, loss, k + blocks, k + 5);
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await expectOracle(trainer, weights, batch, { what: JSON.stringify(loss) });
      trainer.dispose();
    }
  });
});

describe('layers in other places', () => {
  const linear = (name: string, inputSize: number, outputSize: number, bias = true): LayerSpec => ({
    kind: 'linear',
    name,
    inputSize,
    outputSize,
    bias,
  });
  const specs: Record<string, LayerSpec[]> = {
    'a linear layer alone': [linear('out', 3, 4)],
    'without bias': [linear('out', 9, 2, false)],
    'an embedding and a linear layer': [
      { kind: 'embedding', name: 'e', count: 7, size: 5 },
      linear('out', 5, 7),
    ],
    'a linear layer before a recurrent one': [
      linear('in', 3, 6, false),
      { kind: 'activation', name: 'relu', activation: 'relu' },
      layerOf('gruBefore', 'rnn', 6, 9, 3),
      linear('out', 9, 3),
    ],
    'a softmax at the end': [
      layerOf('lstm', 'rnn', 2, 5),
      linear('out', 5, 3),
      { kind: 'activation', name: 'softmax', activation: 'softmax' },
    ],
  };

  it.each(Object.keys(specs))('%s', async (name) => {
    const spec = { layers: specs[name]! };
    // The oracle's losses have the softmax.
    const plain = { layers: spec.layers.filter((layer) => layer.name !== 'softmax') };
    for (const [k, loss] of losses.entries()) {
      const weights = randomWeights(spec, k, 0.8, true);
      const batch = drawBatch(plain, loss, k, k + 1);
      const trainer = await trainerOf(spec, weights, batch);
      await expectOracle(trainer, weights, batch, { what: name, spec: plain });
      trainer.dispose();
    }
  });

  it.each(['steps', 'sequence', 'ctc'] as const)('tied weights, loss %s', async (kind) => {
    const spec: ModelSpec = {
      layers: [
        { kind: 'embedding', name: 'embedding', count: 11, size: 5 },
        layerOf('gruAfter', 'rnn', 5, 5),
        linear('out', 5, 11),
      ],
    };
    const loss: OracleLoss = kind === 'sequence' ? { kind, pool: 'mean' } : { kind };
    const drawn = randomWeights(spec, 4, 0.8, true);
    const weights: Weights = { ...drawn, 'out.weight': drawn['embedding.weight']! };
    const batch = { ...drawBatch(spec, loss, 3, 9), tie: true };
    const trainer = await trainerOf(spec, weights, batch);
    await expectOracle(trainer, weights, batch);
    trainer.dispose();
  });
});

describe('the state carries on', () => {
  it.each(trainKinds)('%s: the second of two batches begins where the first ended', async (kind) => {
    for (const [hiddenSize, blocks] of [
      [7, 1],
      [10, 2],
      [40, 40],
    ] as const) {
      const spec = modelOf(kind, { hiddenSize, blocks });
      const weights = randomWeights(spec, 3, 0.8, true);
      const draw = (seed: number, lengths?: number[]) =>
        randomBatch(spec, { kind: 'steps' }, { steps: 4, batch: 3, seed, ...(lengths ? { lengths } : {}) });
      // A layer that is projected is dense, of 40 units too: its sums are long, and so is what is off.
      const digits = kind.startsWith('projected') ? 4 : 5;
      // A stream of no steps keeps the state it had.
      const batches = [draw(1, [4, 2, 1]), draw(2, [0, 4, 2]), draw(3)];
      const trainer = await trainerOf(spec, weights, batches[0]!);
      let state: ReturnType<typeof trainOracle>['state'] | undefined;
      for (const batch of batches) {
        const exact = trainOracle(spec, weights, { ...batch, state });
        // Neither evaluation nor gradients touch the state of training.
        await trainer.evaluate(batchOf(draw(7)));
        await trainer.gradients({ ...batchOf(draw(8)), carry: true });
        const { loss } = await trainer.step({ ...batchOf(batch), carry: true }, 0);
        expect(loss).toBeCloseTo(exact.loss, 5);
        state = exact.state;
        const [carried] = trainer.save().carried.layers;
        expect(Object.keys(carried!)).toEqual(Object.keys(state[0]!));
        for (const name of Object.keys(carried!) as (keyof CarriedState)[])
          for (const [i, value] of carried![name]!.entries())
            expect(value).toBeCloseTo(state[0]![name]![i]!, digits);
      }
      trainer.dispose();
    }
  });

  it('does not, when it is not asked to, whatever stood there', async () => {
    const spec = modelOf('lstm', { hiddenSize: 5 });
    const weights = randomWeights(spec, 3, 0.8, true);
    const draw = (seed: number, lengths?: number[]) =>
      randomBatch(spec, { kind: 'steps' }, { steps: 3, batch: 2, seed, ...(lengths ? { lengths } : {}) });
    const trainer = await trainerOf(spec, weights, draw(1));
    await trainer.step(batchOf(draw(1)), 0);
    await trainer.step(batchOf(draw(2, [0, 2])), 0);
    // An empty stream of a batch from zero leaves zero behind, not what an earlier batch has left.
    const { h, c } = trainer.save().carried.layers[0]!;
    expect([...h.subarray(0, 5), ...c!.subarray(0, 5)]).toEqual(Array(10).fill(0));
    expect(h.subarray(5).every((value) => value !== 0)).toBe(true);
  });

  it('evaluation has a state of its own', async () => {
    const spec = modelOf('gruAfter', { hiddenSize: 6, blocks: 2 });
    const weights = randomWeights(spec, 3, 0.8, true);
    const draw = (seed: number) => randomBatch(spec, { kind: 'steps' }, { steps: 3, batch: 2, seed });
    const trainer = await trainerOf(spec, weights, draw(1));
    const first = trainOracle(spec, weights, draw(1));
    const second = trainOracle(spec, weights, { ...draw(2), state: first.state });
    await trainer.evaluate({ ...batchOf(draw(1)), carry: true });
    await trainer.step(batchOf(draw(5)), 0);
    const { loss } = await trainer.evaluate({ ...batchOf(draw(2)), carry: true });
    expect(loss).toBeCloseTo(second.loss, 5);
  });
});

test.each(blockKinds)(
  '%s: a block layer has the gradients of the dense one with its weights',
  async (kind) => {
    const spec = modelOf(kind, { hiddenSize: 15, blocks: 3 });
    const dense = modelOf(kind, { hiddenSize: 15, blocks: 1 });
    const tensors = f32Of(randomWeights(spec, 11, 0.8, true));
    const { shape, data } = tensors['rnn.weight_hh']!;
    const rows = shape[0]!;
    const places = Array.from(data, (_, i) => {
      const row = Math.floor(i / 5);
      return row * 15 + Math.floor((row % 15) / 5) * 5 + (i % 5);
    });
    const wide = new Float32Array(rows * 15);
    for (const [i, place] of places.entries()) wide[place] = data[i]!;
    const both = [
      await createTrainer(spec, optionsOf({ tensors })),
      await createTrainer(
        dense,
        optionsOf({ tensors: { ...tensors, 'rnn.weight_hh': { shape: [rows, 15], data: wide } } }),
      ),
    ] as const;
    const batch = batchOf(
      randomBatch(spec, { kind: 'steps' }, { steps: 6, batch: 3, seed: 2, lengths: [6, 4, 1] }),
    );
    const [found, expected] = [await both[0].gradients(batch), await both[1].gradients(batch)];
    for (const [name, { data: whole }] of Object.entries(expected)) {
      const same = name === 'rnn.weight_hh' ? places.map((place) => whole[place]!) : whole;
      const most = Math.max(...Array.from(same, Math.abs));
      // Sums of a few hundred f32 products, in another order.
      for (const [i, g] of same.entries())
        expect(Math.abs(found[name]!.data[i]! - g), name).toBeLessThan(2e-5 * most);
    }
  },
);
