import { describe, expect, test } from 'vitest';
import { readModel } from '#dist/formats/read.js';
import { errorOf, ramp, recurrent, type Stored, stateDict } from './bytes.js';
import { blocky, language, layersOf } from './state-dicts.js';

describe('a small spec', () => {
  const lstm = { kind: 'lstm', name: 'lstm' };
  const decoder = { kind: 'linear', name: 'decoder' };
  const embedding = { kind: 'embedding', name: 'embedding' };

  test('activations, blocks, one layer of several, a full spec', () => {
    const dict = { ...language, 'lstm.weight_hh_l0': blocky(4, 4, 4) };
    const out = { kind: 'activation', name: 'out', activation: 'softmax' };
    const layers = layersOf(dict, { spec: { layers: [embedding, { ...lstm, blocks: 2 }, decoder, out] } });
    expect(layers).toMatchObject([
      {},
      { name: 'lstm.0', blocks: 2 },
      {},
      { kind: 'activation', activation: 'softmax' },
    ]);
    const full = { layers };
    expect(layersOf(dict, { spec: full })).toEqual(layers);
    const deep = recurrent('', 4, 3, 3, { layers: 2 });
    const swapped = {
      layers: [
        { kind: 'lstm', name: 'lstm.1' },
        { kind: 'lstm', name: 'lstm.0' },
      ],
    };
    expect(layersOf(deep, { spec: swapped }).map(({ name }) => name)).toEqual(['lstm.1', 'lstm.0']);
    expect(layersOf(deep, { spec: { layers: [{ kind: 'lstm', name: 'lstm' }] } }).length).toBe(2);
    const sized = { layers: [{ kind: 'lstm', name: 'lstm', inputSize: 2, hiddenSize: 3 }] };
    expect(layersOf(recurrent('', 4, 2, 3, { layers: 2 }), { spec: sized }).length).toBe(2);
  });

  test('resetAfter: false for a GRU of the older kind', () => {
    const spec = { layers: [{ kind: 'gru', name: 'gru', resetAfter: false }] };
    expect(layersOf(recurrent('', 3, 2, 2), { spec })[0]).toMatchObject({ kind: 'gru', resetAfter: false });
  });

  test.each([
    [
      'blocks that do not hold',
      { layers: [embedding, { ...lstm, blocks: 2 }, decoder] },
      'MismatchError',
      '2 blocks do not hold',
    ],
    [
      'blocks that do not divide',
      { layers: [embedding, { ...lstm, blocks: 3 }, decoder] },
      'RangeError',
      'does not divide',
    ],
    [
      'blocks that are no number',
      { layers: [embedding, { ...lstm, blocks: '2' }, decoder] },
      'TypeError',
      'blocks',
    ],
    [
      'another kind',
      { layers: [embedding, { ...lstm, kind: 'gru' }, decoder] },
      'MismatchError',
      'those of lstm',
    ],
    [
      'another size',
      { layers: [embedding, { ...lstm, hiddenSize: 5 }, decoder] },
      'MismatchError',
      'hiddenSize 5',
    ],
    [
      'another name',
      { layers: [embedding, { ...lstm, name: 'rnn' }, decoder] },
      'MismatchError',
      '"lstm" (lstm)',
    ],
    [
      'a layer that is not there',
      { layers: [embedding, { ...lstm, name: 'lstm.1' }, decoder] },
      'MismatchError',
      '"lstm.1"',
    ],
    ['a layer too few', { layers: [embedding, lstm] }, 'MismatchError', '"decoder.bias" F32 [7]'],
    ['a layer twice', { layers: [embedding, lstm, lstm, decoder] }, 'RangeError', 'two layers'],
    ['the wrong order', { layers: [decoder, embedding, lstm] }, 'RangeError', 'embedding'],
    [
      'a wrong bias',
      { layers: [embedding, lstm, { ...decoder, bias: false }] },
      'MismatchError',
      'bias false',
    ],
    [
      'a bias on an embedding',
      { layers: [embedding, lstm, { ...decoder, kind: 'embedding' }] },
      'RangeError',
      'embedding',
    ],
    [
      'another activation',
      { layers: [embedding, lstm, decoder, { kind: 'activation', name: 'o', activation: 'selu' }] },
      'RangeError',
      'selu|activation',
    ],
    ['no layers', { layers: [] }, 'RangeError', 'layers'],
    ['no spec', 'lstm', 'TypeError', 'layers'],
    ['null', null, 'TypeError', 'layers'],
    ['null for a layer', { layers: [null] }, 'TypeError', 'layer 0'],
    ['no name', { layers: [{ kind: 'lstm' }] }, 'TypeError', 'name'],
    ['no kind', { layers: [{ name: 'lstm' }] }, 'TypeError', 'kind'],
  ])('%s', (_, spec, name, part) => {
    const error = errorOf(() => readModel(stateDict(language), { spec }));
    expect(error).toMatchObject({ name, code: expect.stringMatching(/^ERR_/) });
    expect(error.message).toMatch(new RegExp(part.replace(/[[\]().]/g, '\\$&')));
  });
});

describe('what is not supported, or contradicts itself', () => {
  const reads = (tensors: Record<string, Stored>) => errorOf(() => readModel(stateDict(tensors)));

  test('half a direction', () => {
    const half = { ...recurrent('l.', 4, 2, 3), 'l.weight_ih_l0_reverse': ramp([12, 2]) };
    expect(reads(half)).toMatchObject({ name: 'MismatchError' });
    expect(reads(half).message).toContain('"l.weight_hh_l0_reverse" is missing');
  });

  test('tensors that no layer uses are named, whatever their type', () => {
    const error = reads({
      ...language,
      'bn.num_batches_tracked': { dtype: 'I64', shape: [], bytes: new Uint8Array(8) },
      'bn.weight': ramp([4]),
      'conv.weight': ramp([2, 2, 3]),
    });
    expect(error).toMatchObject({ name: 'MismatchError' });
    for (const part of [
      '"bn.num_batches_tracked" I64 []',
      '"bn.weight" F32 [4]',
      '"conv.weight" F32 [2, 2, 3]',
    ]) {
      expect(error.message).toContain(part);
    }
    expect(reads({ 'x.y': ramp([1]) }).message).toContain('"x.y" F32 [1]');
    expect(reads({}).message).toContain('no tensors');
  });

  test('a dtype that is needed and not read', () => {
    const dict = { ...language, 'decoder.bias': { dtype: 'F64', shape: [7], bytes: new Uint8Array(56) } };
    expect(reads(dict)).toMatchObject({ name: 'UnsupportedError', feature: 'dtype F64' });
  });

  test.each<[string, Record<string, Stored | undefined>, string]>([
    ['no weight_hh', { 'lstm.weight_hh_l0': undefined }, '"lstm.weight_hh_l0" is missing'],
    ['no weight_ih', { 'lstm.weight_ih_l0': undefined }, '"lstm.weight_ih_l0" is missing'],
    ['one bias of two', { 'lstm.bias_hh_l0': undefined }, '"lstm.bias_hh_l0" is missing'],
    ['a layer left out', { 'lstm.weight_ih_l2': ramp([16, 4]) }, '"lstm.weight_ih_l1" is missing'],
    ['a ratio of two', { 'lstm.weight_hh_l0': ramp([8, 4]) }, '[8, 4]'],
    ['a weight of one axis', { 'lstm.weight_hh_l0': ramp([16]) }, '[16]'],
    ['a weight of three', { 'lstm.weight_hh_l0': ramp([16, 4, 1]) }, '[16, 4, 1]'],
    ['no units', { 'lstm.weight_hh_l0': ramp([0, 0]) }, '[0, 0]'],
    ['rows that differ', { 'lstm.weight_ih_l0': ramp([12, 3]) }, 'implies [16, 3]'],
    ['a bias of another length', { 'lstm.bias_ih_l0': ramp([15]) }, 'implies [16]'],
    ['a linear bias of another length', { 'decoder.bias': ramp([6]) }, 'implies [7]'],
  ])('%s', (_, change, part) => {
    const dict = Object.fromEntries(
      Object.entries({ ...language, ...change }).filter(
        (entry): entry is [string, Stored] => entry[1] !== undefined,
      ),
    );
    const error = reads(dict);
    expect(error).toMatchObject({ name: 'MismatchError', code: 'ERR_MISMATCH' });
    expect(error.message).toContain(part);
  });

  test('sizes past the limit', () => {
    const wide = {
      'emb.weight': { dtype: 'F32', shape: [200_000, 1], bytes: new Uint8Array(800_000) },
      ...recurrent('l.', 4, 1, 1),
    };
    expect(reads(wide)).toMatchObject({ name: 'UnsupportedError', feature: 'model shape' });
    expect(reads(recurrent('l.', 4, 0, 1))).toMatchObject({
      name: 'UnsupportedError',
      feature: 'model shape',
    });
  });
});
