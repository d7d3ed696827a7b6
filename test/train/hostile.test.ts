import { beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { writeSafetensors } from '#dist/formats/safetensors.js';
import { checkSpec } from '#dist/model/check.js';
import type { Tensors } from '#dist/model/tensors.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '#dist/train/checkpoint.js';
import { createTrainer, fit as train } from '#dist/train-node.js';
import { errorFrom } from '../session/draw.js';
import { fitOptions, smallSpec } from './fitting.js';
import { expectSameTensors, optionsOf } from './trained.js';

const spec = checkSpec(smallSpec);
let bytes: Uint8Array;
let good: Checkpoint;
beforeAll(async () => {
  const kept: Uint8Array[] = [];
  await train(fitOptions({ checkpoint: { save: (one) => void kept.push(one), every: 3 } }));
  // In the midst of the second epoch, with best weights and a validation behind it.
  bytes = kept[3]!;
  good = decodeCheckpoint(bytes, spec);
  expect(good.best).toBeDefined();
  expect(good.position.epochStep).toBeGreaterThan(0);
});

const typed = /^(FormatError|MismatchError|UnsupportedError|RangeError|TypeError)$/;

/** Fails unless reading either works or says what is wrong in one of this package's errors. */
function readOrRefuse(given: Uint8Array): Checkpoint | undefined {
  try {
    return decodeCheckpoint(given, spec);
  } catch (error) {
    expect((error as Error).name).toMatch(typed);
    expect((error as { code?: string }).code).toMatch(/^ERR_/);
    return undefined;
  }
}

test('2000 broken files are read or refused, and what is read can be restored or is refused', async () => {
  const random = seededRandom(8);
  const below = (count: number) => Math.floor(random() * count);
  const headerEnd = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const trainer = await createTrainer(
    smallSpec,
    optionsOf({ optimizer: { kind: 'adam' }, capacity: { steps: 4, batch: 3 } }),
  );
  const outcomes = { read: 0, refused: 0 };
  const start = performance.now();
  for (let round = 0; round < 2000; round++) {
    let given = bytes.slice();
    // Mostly the header, where meaning is dense.
    const places = random() < 0.9 ? headerEnd : given.length;
    for (let change = below(4); change >= 0; change--) {
      const at = below(places);
      if (random() < 0.5) given[at] = below(256);
      // One digit or letter for another keeps JSON in shape.
      else given[at] = 48 + below(10);
    }
    if (random() < 0.1) given = given.subarray(0, below(given.length));
    const read = readOrRefuse(given);
    if (read === undefined) {
      outcomes.refused++;
      continue;
    }
    try {
      await trainer.restore(read.state);
      outcomes.read++;
    } catch (error) {
      expect((error as { code?: string }).code).toMatch(/^ERR_/);
      outcomes.refused++;
    }
  }
  expect(performance.now() - start).toBeLessThan(20_000);
  expect(outcomes.read).toBeGreaterThan(50);
  expect(outcomes.refused).toBeGreaterThan(50);
  await trainer.restore(good.state);
  expectSameTensors(trainer.save().tensors, good.state.tensors);
});

describe('the facts', () => {
  /** The file with other facts beside its tensors. */
  const withFacts = (change: (facts: Record<string, unknown>) => object | string): Uint8Array => {
    const { state, best } = good;
    const tensors: Tensors = {};
    for (const [name, tensor] of Object.entries(state.tensors)) tensors[`state.${name}`] = tensor;
    for (const [name, tensor] of Object.entries(best!)) tensors[`best.${name}`] = tensor;
    for (const [k, { h, c }] of state.carried.layers.entries()) {
      tensors[`carried.${k}.h`] = { shape: [3, h.length / 3], data: h };
      if (c !== undefined) tensors[`carried.${k}.c`] = { shape: [3, c.length / 3], data: c };
    }
    const facts = {
      version: 1,
      spec,
      steps: state.steps,
      carried: 3,
      layers: 2,
      position: structuredClone(good.position) as unknown,
    };
    const changed = change(facts);
    const text = typeof changed === 'string' ? changed : JSON.stringify(changed);
    return writeSafetensors(tensors, { metadata: { 'blockrnn.training': text } });
  };
  const position = (given: object) => (facts: Record<string, unknown>) => ({
    ...facts,
    position: { ...(facts.position as object), ...given },
  });
  const report = { epoch: 0, loss: 1, seconds: 1, isBest: true };

  test('as they were', () => {
    expect(
      decodeCheckpoint(
        withFacts((facts) => facts),
        spec,
      ),
    ).toEqual(good);
    expect(encodeCheckpoint(good)).toEqual(bytes);
  });

  test.each<[string, (facts: Record<string, unknown>) => object | string]>([
    ['no JSON', () => '{'],
    ['deep JSON', () => '['.repeat(100_000)],
    ['a number', () => '3'],
    ['another version', (facts) => ({ ...facts, version: 2 })],
    ['no steps', (facts) => ({ ...facts, steps: undefined })],
    ['steps a string', (facts) => ({ ...facts, steps: '3' })],
    ['steps negative', (facts) => ({ ...facts, steps: -3 })],
    ['steps too many to count', (facts) => ({ ...facts, steps: 1e300 })],
    ['layers without end', (facts) => ({ ...facts, layers: Number.MAX_SAFE_INTEGER })],
    ['layers more than an array can have', (facts) => ({ ...facts, layers: 2 ** 32 })],
    ['no position', (facts) => ({ ...facts, position: null })],
    ['an epoch that has no report', position({ epoch: 2 })],
    ['reports of no epoch', position({ epoch: 0 })],
    ['reports that are none', position({ epochs: [3] })],
    ['reports without end', position({ epochs: { length: 2 ** 40 } })],
    ['a loss that is a string', position({ epochs: [{ ...report, loss: 'low' }] })],
    ['a validation without a loss', position({ epochs: [{ ...report, validation: {} }] })],
    ['steps of an epoch negative', position({ epochStep: -1 })],
    ['nats that are none', position({ nats: 'many' })],
  ])('%s', (_, change) => {
    expect(readOrRefuse(withFacts(change))).toBeUndefined();
  });

  test('of more streams than there are, of fewer layers: refused when restored', async () => {
    for (const change of [{ carried: 4 }, { carried: 2 ** 40 }, { layers: 1 }, { carried: 1 }]) {
      const resume = withFacts((facts) => ({ ...facts, ...change }));
      const error = await errorFrom(train(fitOptions({ resume })));
      expect((error as { code?: string }).code).toMatch(/^ERR_/);
    }
  });
});

test('best weights of another shape are refused', async () => {
  const best = { ...good.best!, 'out.bias': { shape: [1], data: new Float32Array(1) } };
  const resume = encodeCheckpoint({ ...good, best });
  expect(await errorFrom(train(fitOptions({ resume })))).toMatchObject({ name: 'MismatchError' });
});

test.each([0, 1, 7, 8, 9, 100])('the first %i bytes', (count) => {
  expect(readOrRefuse(bytes.subarray(0, count))).toBeUndefined();
});
