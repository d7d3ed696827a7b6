import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createModel, type Model, type ModelSpec, type Session, type State } from '#dist/node.js';
import { draw, errorFrom, expectSameBytes, expectSameState, layerOf, sceneOf } from './draw.js';

const type = { name: 'TypeError', code: 'ERR_ARGUMENT_TYPE' };
const range = { name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' };

const floats: ModelSpec = {
  layers: [layerOf('lstm', 'a', 3, 8, 2), layerOf('gruAfter', 'b', 8, 4)],
};
const ids: ModelSpec = {
  layers: [{ kind: 'embedding', name: 'e', count: 11, size: 3 }, ...floats.layers],
};
const { tensors, x, options } = draw(floats, sceneOf({ steps: 4, batch: 2, withState: true }));
const state = options.state!;

let model: Model;
let reader: Model;
beforeAll(async () => {
  model = await createModel(floats, tensors);
  reader = await createModel(ids, draw(ids, sceneOf()).tensors);
});
afterAll(() => {
  model.dispose();
  reader.dispose();
});

/** The state with one part replaced. */
const stateWith = (k: number, change: object) =>
  state.map((record, i) => (i === k ? { ...record, ...change } : record));

const wrongStates: [string, unknown, object][] = [
  ['null', null, type],
  ['an object', { h: state[0]!.h }, type],
  ['a typed array', new Float32Array(8), type],
  ['no records', [], range],
  ['one record too few', state.slice(1), range],
  ['one record too many', [...state, state[0]], range],
  ['a hole', [state[0], undefined], type],
  ['a null', [null, state[1]], type],
  ['a number', [3, state[1]], type],
  ['no h', stateWith(0, { h: undefined }), type],
  ['no c', stateWith(0, { c: undefined }), type],
  ['a plain array', stateWith(1, { h: [...state[1]!.h] }), type],
  ['doubles', stateWith(1, { h: Float64Array.from(state[1]!.h) }), type],
  ['h too short', stateWith(1, { h: state[1]!.h.subarray(1) }), range],
  ['h too long', stateWith(0, { h: new Float32Array(17) }), range],
  ['c of another batch', stateWith(0, { c: new Float32Array(8) }), range],
];

describe('model.run', () => {
  const cases: [string, () => Promise<unknown>, object][] = [
    ['no x', () => model.run(undefined as never), type],
    ['x null', () => model.run(null as never), type],
    ['x a plain array', () => model.run([1, 2, 3] as never), type],
    ['x doubles', () => model.run(new Float64Array(24) as never), type],
    ['x ids, where floats are read', () => model.run(new Int32Array(24), { batch: 2 }), type],
    ['x floats, where ids are read', () => reader.run(new Float32Array(4)), type],
    ['x bytes, where ids are read', () => reader.run(new Uint8Array(4) as never), type],
    ['x empty', () => model.run(new Float32Array(0)), range],
    ['x not a whole number of steps', () => model.run(x.subarray(1), { batch: 2 }), range],
    ['x too short for the steps', () => model.run(x, { steps: 5, batch: 2 }), range],
    ['x too long for the steps', () => model.run(x, { steps: 3, batch: 2 }), range],
    ['options null', () => model.run(x, null as never), type],
    ['options a number', () => model.run(x, 2 as never), type],
    ['steps 0', () => model.run(new Float32Array(0), { steps: 0 }), range],
    ['steps negative', () => model.run(x, { steps: -4, batch: 2 }), range],
    ['steps NaN', () => model.run(x, { steps: Number.NaN, batch: 2 }), range],
    ['steps infinite', () => model.run(x, { steps: Number.POSITIVE_INFINITY, batch: 2 }), range],
    ['steps fractional', () => model.run(x, { steps: 1.5, batch: 2 }), range],
    ['steps a string', () => model.run(x, { steps: '4' as never, batch: 2 }), type],
    ['steps a bigint', () => model.run(x, { steps: 4n as never, batch: 2 }), type],
    ['steps null', () => model.run(x, { steps: null as never, batch: 2 }), type],
    ['steps huge', () => model.run(x, { steps: 2 ** 31 - 1, batch: 2 ** 31 - 1 }), range],
    ['batch 0', () => model.run(x, { batch: 0 }), range],
    ['batch negative', () => model.run(x, { batch: -2 }), range],
    ['batch fractional', () => model.run(x, { batch: 0.5 }), range],
    ['batch huge', () => model.run(x, { batch: 2 ** 31 }), range],
    ['batch beyond all', () => model.run(x, { batch: 1e308 }), range],
    ['batch NaN', () => model.run(x, { batch: Number.NaN }), range],
    ['batch a string', () => model.run(x, { batch: '2' as never }), type],
    ['lengths a number', () => model.run(x, { batch: 2, lengths: 2 as never }), type],
    ['lengths null', () => model.run(x, { batch: 2, lengths: null as never }), type],
    ['lengths a string', () => model.run(x, { batch: 2, lengths: '44' as never }), type],
    ['lengths too few', () => model.run(x, { batch: 2, lengths: [4] }), range],
    ['lengths too many', () => model.run(x, { batch: 2, lengths: [4, 4, 4] }), range],
    ['lengths negative', () => model.run(x, { batch: 2, lengths: [4, -1] }), range],
    ['lengths beyond T', () => model.run(x, { batch: 2, lengths: [5, 4] }), range],
    ['lengths fractional', () => model.run(x, { batch: 2, lengths: [1.5, 4] }), range],
    ['lengths NaN', () => model.run(x, { batch: 2, lengths: Float32Array.of(Number.NaN, 4) }), range],
    ['lengths strings', () => model.run(x, { batch: 2, lengths: ['1', '2'] as never }), type],
    ['lengths with a hole', () => model.run(x, { batch: 2, lengths: { length: 2, 0: 1 } as never }), type],
    ['out a plain array', () => model.run(x, { batch: 2, out: [] as never }), type],
    ['out null', () => model.run(x, { batch: 2, out: null as never }), type],
    ['out too short', () => model.run(x, { batch: 2, out: new Float32Array(31) }), range],
    ['out too long', () => model.run(x, { batch: 2, out: new Float32Array(33) }), range],
    ['onProgress not a function', () => model.run(x, { batch: 2, onProgress: 'x' as never }), type],
    ['signal not a signal', () => model.run(x, { batch: 2, signal: 'x' as never }), type],
    ['signal null', () => model.run(x, { batch: 2, signal: null as never }), type],
    ['an id too large', () => reader.run(Int32Array.of(0, 11)), range],
    ['a negative id', () => reader.run(Int32Array.of(0, -1)), range],
    ['an id beyond 31 bits', () => reader.run(Uint32Array.of(0, 2 ** 31)), range],
    [
      'an id beyond a later stream',
      () => reader.run(Int32Array.of(0, 99, 1, 1), { batch: 2, lengths: [0, 2] }),
      range,
    ],
  ];

  test.each(cases)('%s', async (_, call, expected) => {
    const start = performance.now();
    expect(await errorFrom(call())).toMatchObject(expected);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test.each(wrongStates)('state: %s', async (_, wrong, expected) => {
    expect(await errorFrom(model.run(x, { batch: 2, state: wrong as never }))).toMatchObject(expected);
  });

  test('what was wrong says so, with what was wanted', async () => {
    const wrong = stateWith(1, { h: new Float32Array(3) });
    expect((await errorFrom(model.run(x, { batch: 2, state: wrong }))).message).toBe(
      'state[1] (b): h [2, 4] needs 8 values, got 3.',
    );
    expect((await errorFrom(reader.run(Int32Array.of(3, 11)))).message).toBe(
      'x[1] is 11; ids of this model are within 0..10.',
    );
  });

  test('ids past a length are not read, so anything goes there', async () => {
    const lengths = [1, 3];
    const clean = await reader.run(Int32Array.of(1, 2, 0, 3, 0, 4), { batch: 2, lengths });
    for (const id of [-1, 11, 2 ** 31 - 1, -(2 ** 31)]) {
      const dirty = await reader.run(Int32Array.of(1, 2, id, 3, id, 4), { batch: 2, lengths });
      expectSameBytes(dirty.y, clean.y);
      expectSameState(dirty.state, clean.state);
    }
  });
});

describe('sessions', () => {
  let session: Session;
  let tokens: Session;
  let before: State;
  let tokensBefore: State;
  const frame = x.subarray(0, 6);
  beforeEach(() => {
    session = model.session({ batch: 2, state });
    session.step(frame as Float32Array);
    before = session.snapshot();
    tokens = reader.session({ batch: 2 });
    tokens.step(Int32Array.of(1, 10));
    tokensBefore = tokens.snapshot();
  });
  afterEach(() => {
    expectSameState(session.snapshot(), before);
    expectSameState(tokens.snapshot(), tokensBefore);
  });

  const cases: [string, () => unknown, object][] = [
    ['session: options null', () => model.session(null as never), type],
    ['session: batch 0', () => model.session({ batch: 0 }), range],
    ['session: batch fractional', () => model.session({ batch: 1.5 }), range],
    ['session: batch huge', () => model.session({ batch: 2 ** 31 }), range],
    ['session: batch a string', () => model.session({ batch: '1' as never }), type],
    ['step: no x', () => session.step(undefined as never), type],
    ['step: x a plain array', () => session.step([1, 2, 3, 4, 5, 6] as never), type],
    ['step: x too short', () => session.step(x.subarray(0, 5)), range],
    ['step: x of two steps', () => session.step(x.subarray(0, 12)), range],
    ['step: x ids', () => session.step(Int32Array.of(1, 2, 3, 4, 5, 6)), type],
    ['step: an id too large', () => tokens.step(Int32Array.of(3, 11)), range],
    ['step: a negative id', () => tokens.step(Int32Array.of(-1, 3)), range],
    ['step: floats for ids', () => tokens.step(Float32Array.of(1, 2)), type],
    ['step: out too short', () => session.step(frame, new Float32Array(7)), range],
    ['step: out too long', () => session.step(frame, new Float32Array(9)), range],
    ['step: out a plain array', () => session.step(frame, new Array(8) as never), type],
    ['step: out null', () => session.step(frame, null as never), type],
    ['reset: stream 2 of 2', () => session.reset(2), range],
    ['reset: stream -1', () => session.reset(-1), range],
    ['reset: stream NaN', () => session.reset(Number.NaN), range],
    ['reset: stream a string', () => session.reset('0' as never), type],
    ['reset: stream null', () => session.reset(null as never), type],
  ];
  test.each(cases)('%s', (_, call, expected) => {
    expect(call).toThrow(expect.objectContaining(expected));
  });

  test.each(wrongStates)('state: %s', (_, wrong, expected) => {
    expect(() => session.restore(wrong as never)).toThrow(expect.objectContaining(expected));
    expect(() => model.session({ batch: 2, state: wrong as never })).toThrow(
      expect.objectContaining(expected),
    );
  });

  test('restore: nothing, or the state of another batch', () => {
    expect(() => session.restore(undefined as never)).toThrow(expect.objectContaining(type));
    expect(() => session.restore(model.session().snapshot())).toThrow(expect.objectContaining(range));
  });

  const runs: [string, () => Promise<unknown>, object][] = [
    ['options null', () => session.run(x, null as never), type],
    ['x too short', () => session.run(x.subarray(1)), range],
    ['steps 0', () => session.run(x, { steps: 0 }), range],
    ['lengths too many', () => session.run(x, { lengths: [1, 1, 1] }), range],
    ['out too short', () => session.run(x, { out: new Float32Array(1) }), range],
    ['an id too large', () => tokens.run(Int32Array.of(1, 1, 1, 11)), range],
  ];
  test.each(runs)('run: %s', async (_, call, expected) => {
    expect(await errorFrom(call())).toMatchObject(expected);
  });

  test('so many streams that their state fits nowhere', () => {
    expect(() => model.session({ batch: 2 ** 20 + 1 })).toThrow(expect.objectContaining(range));
  });
});

test('so many streams of a wide model that their state fits nowhere', async () => {
  const wide: ModelSpec = { layers: [layerOf('elmanTanh', 'a', 1, 2 ** 17, 2 ** 17)] };
  using large = await createModel(wide, draw(wide, sceneOf()).tensors);
  expect(() => large.session({ batch: 2 ** 20 })).toThrow(expect.objectContaining(range));
});
