import { describe, expect, test } from 'vitest';
import { readModel } from '#dist/formats/read.js';
import { errorOf, ramp, recurrent, type Stored, stateDict } from './bytes.js';
import { blocky, language, layersOf } from './state-dicts.js';

const kindsOf = (tensors: Record<string, Stored>, options?: object) =>
  layersOf(tensors, options).map(({ kind, name }) => `${kind} ${name}`);

/** The spec that an error proposes, as one would paste it. */
function suggestion(message: string): { layers: Record<string, unknown>[] } {
  return JSON.parse(message.slice(message.indexOf('{"layers"')));
}

describe('what names and shapes tell', () => {
  test('two layers in both directions, by name and value', () => {
    const both = (layer: number, width: number, blocks: number): Record<string, Stored> =>
      Object.fromEntries(
        ['', '_reverse'].flatMap((end) => [
          [`gru.weight_ih_l${layer}${end}`, ramp([12, width])],
          [`gru.weight_hh_l${layer}${end}`, blocky(3, 4, end === '' ? blocks : 2)],
          [`gru.bias_ih_l${layer}${end}`, ramp([12])],
          [`gru.bias_hh_l${layer}${end}`, ramp([12])],
        ]),
      );
    const { spec, tensors } = readModel(
      stateDict({ ...both(0, 3, 4), ...both(1, 8, 1), 'out.weight': ramp([5, 8]), 'out.bias': ramp([5]) }),
    );
    const shared = { kind: 'gru', hiddenSize: 4, direction: 'bidirectional', resetAfter: true };
    expect(spec.layers).toEqual([
      // The structure that holds in both.
      { ...shared, name: 'gru.0', inputSize: 3, blocks: 2 },
      { ...shared, name: 'gru.1', inputSize: 8, blocks: 1 },
      { kind: 'linear', name: 'out', inputSize: 8, outputSize: 5, bias: true },
    ]);
    expect(tensors['gru.0.weight_hh']!.shape).toEqual([12, 2]);
    expect(tensors['gru.0.weight_hh_reverse']!.shape).toEqual([12, 2]);
    const { bytes } = blocky(3, 4, 2);
    expect(new Uint8Array(tensors['gru.1.weight_hh_reverse']!.data.buffer)).toEqual(bytes);
  });

  test('embedding, LSTM, linear: spec, names and every value', () => {
    const { spec, tensors } = readModel(stateDict(language, { format: 'pt' }));
    expect(spec).toEqual({
      layers: [
        { kind: 'embedding', name: 'embedding', count: 7, size: 3 },
        { kind: 'lstm', name: 'lstm.0', inputSize: 3, hiddenSize: 4, blocks: 1 },
        { kind: 'linear', name: 'decoder', inputSize: 4, outputSize: 7, bias: true },
      ],
    });
    const sources = {
      'embedding.weight': 'embedding.weight',
      'lstm.0.weight_ih': 'lstm.weight_ih_l0',
      'lstm.0.weight_hh': 'lstm.weight_hh_l0',
      'lstm.0.bias_ih': 'lstm.bias_ih_l0',
      'lstm.0.bias_hh': 'lstm.bias_hh_l0',
      'decoder.weight': 'decoder.weight',
      'decoder.bias': 'decoder.bias',
    } as const;
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(sources).sort());
    for (const [name, source] of Object.entries(sources)) {
      const stored: Stored = language[source as keyof typeof language];
      expect(tensors[name]!.shape).toEqual(stored.shape);
      expect(new Uint8Array(tensors[name]!.data.buffer)).toEqual(stored.bytes);
    }
  });

  test('the order of the file says nothing', () => {
    const backwards = Object.fromEntries(Object.entries(language).reverse());
    expect(readModel(stateDict(backwards)).spec).toEqual(readModel(stateDict(language)).spec);
  });

  test('a GRU resets after, gates tell the kind, no prefix takes the kind for a name', () => {
    expect(layersOf(recurrent('', 3, 2, 5))).toEqual([
      { kind: 'gru', name: 'gru.0', inputSize: 2, hiddenSize: 5, blocks: 1, resetAfter: true },
    ]);
    expect(kindsOf(recurrent('a.b.c.', 4, 1, 1))).toEqual(['lstm a.b.c.0']);
  });

  test('several layers, without biases', () => {
    const { spec, tensors } = readModel(
      stateDict(recurrent('net.rnn.', 4, 2, 3, { layers: 3, bias: false })),
    );
    expect(spec.layers.map((layer) => layer.name)).toEqual(['net.rnn.0', 'net.rnn.1', 'net.rnn.2']);
    expect(spec.layers[2]).toMatchObject({ inputSize: 3, hiddenSize: 3 });
    expect(tensors['net.rnn.2.bias_hh']).toEqual({ shape: [12], data: new Float32Array(12) });
    expect(tensors['net.rnn.2.weight_ih']!.data[0]).toBe(2001 / 8);
  });

  test('bias-free linear layers and embeddings are told apart by widths', () => {
    const body = recurrent('l.', 4, 3, 4);
    expect(kindsOf({ 'first.weight': ramp([7, 3]), ...body })).toEqual(['embedding first', 'lstm l.0']);
    expect(kindsOf({ 'first.weight': ramp([3, 7]), ...body })).toEqual(['linear first', 'lstm l.0']);
    expect(kindsOf({ 'last.weight': ramp([7, 4]), ...body })).toEqual(['lstm l.0', 'linear last']);
    expect(layersOf({ 'last.weight': ramp([7, 4]), ...body })[1]).toMatchObject({ bias: false });
  });

  test('names help where widths do not: emb, and numbers under one parent', () => {
    const equal = {
      'out.weight': ramp([9, 4]),
      'tok_emb.weight': ramp([9, 4]),
      ...recurrent('l.', 4, 4, 4),
    };
    expect(kindsOf(equal)).toEqual(['embedding tok_emb', 'lstm l.0', 'linear out']);
    const numbered = {
      ...recurrent('rnns.10.', 3, 4, 4),
      ...recurrent('rnns.2.', 4, 4, 4),
      ...recurrent('rnns.0.', 3, 4, 4),
    };
    expect(kindsOf(numbered)).toEqual(['gru rnns.0.0', 'lstm rnns.2.0', 'gru rnns.10.0']);
  });

  test('a name with emb that can be no embedding is not one', () => {
    expect(kindsOf({ 'emb_in.weight': ramp([3, 7]), ...recurrent('l.', 4, 3, 4) })).toEqual([
      'linear emb_in',
      'lstm l.0',
    ]);
  });

  test('F16 and BF16 dicts', () => {
    const halves = Object.fromEntries(
      Object.entries(recurrent('g.', 3, 1, 2)).map(([name, { shape, bytes }]) => [
        name,
        // 1.0 everywhere
        {
          dtype: 'BF16',
          shape,
          bytes: Uint8Array.from({ length: bytes.length / 2 }, (_, i) => (i % 2 ? 0x3f : 0x80)),
        },
      ]),
    );
    expect([...readModel(stateDict(halves)).tensors['g.0.weight_ih']!.data]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('dense weights that are blocks become blocks', () => {
    const dict = { ...recurrent('l.', 4, 3, 8), 'l.weight_hh_l0': blocky(4, 8, 4) };
    const { spec, tensors } = readModel(stateDict(dict));
    expect(spec.layers[0]).toMatchObject({ blocks: 4 });
    expect(tensors['l.0.weight_hh']!.shape).toEqual([32, 2]);
    expect([...tensors['l.0.weight_hh']!.data.subarray(0, 6)]).toEqual([1, 2, 9, 10, 19, 20]);
    expect(layersOf(dict, { blocks: 2 })[0]).toMatchObject({ blocks: 2 });
    expect(layersOf(dict, { blocks: 1 })[0]).toMatchObject({ blocks: 1 });
    expect(errorOf(() => layersOf(dict, { blocks: 8 }))).toMatchObject({ name: 'MismatchError' });
    expect(layersOf(dict, { tolerance: 1e9 })[0]).toMatchObject({ blocks: 8 });
  });

  test('a vocabulary passes through, and is checked', () => {
    const vocab = [10, 32, 65, 66, 67, 0, 255];
    expect(readModel(stateDict(language), { vocab }).vocab).toEqual(vocab);
    const wrong = (value: unknown) =>
      errorOf(() => readModel(stateDict(language), { vocab: value as number[] }));
    expect(wrong(vocab.slice(1))).toMatchObject({ name: 'MismatchError' });
    expect(wrong([...vocab.slice(1), 32])).toMatchObject({ name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' });
    expect(wrong([...vocab.slice(1), 256])).toMatchObject({ name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' });
    expect(wrong('abcdefg')).toMatchObject({ name: 'TypeError', code: 'ERR_ARGUMENT_TYPE' });
  });
});

describe('what must be asked for', () => {
  const asks = (tensors: Record<string, Stored>, part: string) => {
    const error = errorOf(() => readModel(stateDict(tensors)));
    expect(error).toMatchObject({ name: 'MismatchError', code: 'ERR_MISMATCH' });
    expect(error.message).toContain(part);
    return suggestion(error.message);
  };

  test('the activation of an RNN; the proposal works as it is', () => {
    const dict = { 'emb.weight': ramp([7, 2]), ...recurrent('net.rnn.', 1, 2, 5, { layers: 2 }) };
    const spec = asks(dict, 'the activation of an RNN');
    expect(spec.layers).toEqual([
      { kind: 'embedding', name: 'emb' },
      { kind: 'elman', name: 'net.rnn', activation: 'tanh' },
    ]);
    spec.layers[1]!.activation = 'relu';
    expect(layersOf(dict, { spec })).toMatchObject([
      { kind: 'embedding', count: 7, size: 2 },
      { kind: 'elman', name: 'net.rnn.0', inputSize: 2, activation: 'relu' },
      { kind: 'elman', name: 'net.rnn.1', inputSize: 5, activation: 'relu' },
    ]);
  });

  test('the order of layers of one width', () => {
    const dict = { ...recurrent('b.', 4, 4, 4), ...recurrent('a.', 3, 4, 4) };
    const spec = asks(dict, 'the order of the layers');
    spec.layers.sort((x, y) => String(x.name).localeCompare(String(y.name)));
    expect(kindsOf(dict, { spec })).toEqual(['gru a.0', 'lstm b.0']);
    spec.layers.reverse();
    expect(kindsOf(dict, { spec })).toEqual(['lstm b.0', 'gru a.0']);
  });

  test('embedding or linear', () => {
    const dict = { 'w.weight': ramp([3, 3]), ...recurrent('l.', 4, 3, 4) };
    asks(dict, 'which weights are embeddings and which are linear');
    const rest = { kind: 'lstm', name: 'l' };
    expect(kindsOf(dict, { spec: { layers: [{ kind: 'embedding', name: 'w' }, rest] } })[0]).toBe(
      'embedding w',
    );
    expect(kindsOf(dict, { spec: { layers: [{ kind: 'linear', name: 'w' }, rest] } })[0]).toBe('linear w');
    asks({ weight: ramp([3, 4]) }, 'which weights are embeddings');
  });

  test('what stands between two linear layers', () => {
    const dict = {
      ...recurrent('l.', 4, 3, 4),
      'fc1.weight': ramp([5, 4]),
      'fc1.bias': ramp([5]),
      'fc2.weight': ramp([2, 5]),
      'fc2.bias': ramp([2]),
    };
    const spec = asks(dict, 'the activation between two linear layers');
    expect(spec.layers.map(({ kind }) => kind)).toEqual(['lstm', 'linear', 'activation', 'linear']);
    expect(kindsOf(dict, { spec }).length).toBe(4);
  });

  test('layers that fit in no order', () => {
    asks({ ...recurrent('a.', 4, 3, 4), ...recurrent('b.', 4, 5, 6) }, 'an order in which each layer reads');
  });

  test('too many modules to try, quickly', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`m${i}.weight`, ramp([2, 2])]));
    expect(asks(many, 'the order of 300 modules').layers.length).toBeLessThan(130);
    const few = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`m${i}.weight`, ramp([2, 3])]));
    const tail = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t${i}.weight`, ramp([3, 2])]));
    const begin = performance.now();
    asks({ ...few, ...tail }, '');
    // 20,000 steps of the search; seconds would mean that it is not bounded.
    expect(performance.now() - begin).toBeLessThan(2000);
  });
});
