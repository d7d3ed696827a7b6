import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readModel } from '#dist/formats/read.js';
import { availableKernels, createModel } from '#dist/node.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { errorOf, f32Bytes, ramp, recurrent, type Stored, stateDict } from './bytes.js';

interface Plain {
  shape: [number, number, number];
  data: number[];
}

/** What PyTorch computes in f64, rounded to nine digits; projection.py makes the file. */
const reference: { tensors: Record<string, Plain>; x: Plain; y: Plain } = JSON.parse(
  readFileSync(new URL('projection.json', import.meta.url), 'utf8'),
);
const rounding = 5e-9;
const dict: Record<string, Stored> = Object.fromEntries(
  Object.entries(reference.tensors).map(([name, { shape, data }]) => [
    `rnn.${name}`,
    { shape, bytes: f32Bytes(data) },
  ]),
);

test('an LSTM with proj_size becomes layers with a projection', () => {
  const { spec, tensors } = readModel(stateDict(dict));
  const shared = { kind: 'lstm', hiddenSize: 6, projectionSize: 2, blocks: 1, direction: 'bidirectional' };
  expect(spec.layers).toEqual([
    { ...shared, name: 'rnn.0', inputSize: 3 },
    { ...shared, name: 'rnn.1', inputSize: 4 },
  ]);
  expect(tensors['rnn.1.weight_hr_reverse']!.shape).toEqual([2, 6]);
});

describe.each(availableKernels())('%s', (kernels) => {
  test('gives what PyTorch gives', async () => {
    const { spec, tensors } = readModel(stateDict(dict));
    const [steps, batch] = reference.x.shape;
    const { bound } = runOracle(spec, tensors, reference.x.data, { steps, batch });
    using model = await createModel(spec, tensors, { kernels });
    const { y } = await model.run(Float32Array.from(reference.x.data), { batch });
    const most = bound.map((each, i) => each + rounding * Math.abs(reference.y.data[i]!));
    expect(findExcess(y, reference.y.data, most)).toBeNull();
  });
});

test('a projection that fits nothing, or that a spec contradicts, is named', () => {
  const reads = (tensors: Record<string, Stored>, options?: object) =>
    errorOf(() => readModel(stateDict(tensors), options));
  const wide = { ...recurrent('l.', 4, 2, 3), 'l.weight_hr_l0': ramp([2, 3]) };
  expect(reads(wide)).toMatchObject({ name: 'MismatchError' });
  expect(reads(wide).message).toContain('"l.weight_hr_l0" has shape [2, 3]');
  const ofGru = { ...recurrent('l.', 3, 2, 4), 'l.weight_hr_l0': ramp([2, 4]) };
  expect(reads(ofGru)).toMatchObject({ name: 'MismatchError' });
  const { 'rnn.weight_hr_l1': _, ...half } = dict;
  expect(reads(half).message).toContain('"rnn.weight_hr_l1" is missing');
  expect(reads(dict, { blocks: 2 }).message).toContain('its state is a projection of all units');
  const spec = { layers: [{ kind: 'lstm', name: 'rnn', projectionSize: 3 }] };
  expect(reads(dict, { spec }).message).toContain('the spec says projectionSize 3, the tensors say 2');
});
