import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readNpy, writeNpy } from '#dist/formats/npy.js';
import { errorOf } from './bytes.js';

/** A .npy file from the definition of its format. */
function npyOf(header: string, data: ArrayLike<number> = [], version = 1, claim = header.length): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length =
    version === 1
      ? [claim & 255, claim >> 8]
      : [claim & 255, (claim >> 8) & 255, (claim >> 16) & 255, claim >>> 24];
  return Uint8Array.from([
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    version,
    0,
    ...length,
    ...text,
    ...Array.from(data),
  ]);
}

const dict = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

/** The bytes of values, written by a DataView's setter. */
function pack(
  setter: string,
  size: number,
  little: boolean,
  values: readonly (number | bigint)[],
): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * size));
  const set = (view as unknown as Record<string, (at: number, value: unknown, little: boolean) => void>)[
    setter
  ]!;
  for (const [i, value] of values.entries()) set.call(view, i * size, value, little);
  return new Uint8Array(view.buffer);
}

describe('reading', () => {
  const cases: [string, string, number, (number | bigint)[], Float32Array | Int32Array | Uint32Array][] = [
    ['f4', 'setFloat32', 4, [1.5, -0, Infinity, NaN], Float32Array.of(1.5, -0, Infinity, NaN)],
    ['f8', 'setFloat64', 8, [1 / 3, -Infinity, 1e-320], Float32Array.of(Math.fround(1 / 3), -Infinity, 0)],
    [
      'f2',
      'setUint16',
      2,
      [0x3c00, 0x8001, 0x7c00, 0x7e00, 0xc200],
      Float32Array.of(1, -(2 ** -24), Infinity, NaN, -3),
    ],
    ['i1', 'setInt8', 1, [-128, 127], Int32Array.of(-128, 127)],
    ['i2', 'setInt16', 2, [-32768, 1], Int32Array.of(-32768, 1)],
    ['i4', 'setInt32', 4, [-(2 ** 31), 258], Int32Array.of(-(2 ** 31), 258)],
    ['i8', 'setBigInt64', 8, [-(2n ** 31n), 2n ** 31n - 1n], Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
    ['u1', 'setUint8', 1, [255, 0], Uint32Array.of(255, 0)],
    ['u2', 'setUint16', 2, [65535, 1], Uint32Array.of(65535, 1)],
    ['u4', 'setUint32', 4, [2 ** 32 - 1, 258], Uint32Array.of(2 ** 32 - 1, 258)],
    ['u8', 'setBigUint64', 8, [2n ** 32n - 1n, 7n], Uint32Array.of(2 ** 32 - 1, 7)],
  ];
  test.each(cases)('%s in either byte order, every version', (type, setter, size, values, data) => {
    for (const version of [1, 2, 3]) {
      for (const order of size === 1 ? ['|', '<'] : ['<', '>']) {
        const bytes = npyOf(
          dict(order + type, `(${values.length},)`),
          pack(setter, size, order !== '>', values),
          version,
        );
        expect(readNpy(bytes)).toEqual({ shape: [values.length], data });
      }
    }
  });

  test('headers as Python writes them', () => {
    const data = pack('setInt32', 4, true, [1, 2]);
    for (const header of [
      `{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }            \n`,
      `{"shape":(1,2),"fortran_order":False,"descr":"<i4"}`,
      `{'descr':'<i4','shape':(1L, 2L,),'fortran_order':False}\n`,
    ]) {
      expect(readNpy(npyOf(header, data))).toEqual({ shape: [1, 2], data: Int32Array.of(1, 2) });
    }
    expect(readNpy(npyOf(dict('<i4', '()'), data.subarray(0, 4)))).toEqual({
      shape: [],
      data: Int32Array.of(1),
    });
    expect(readNpy(npyOf(dict('<i4', '(0, 3)'))).shape).toEqual([0, 3]);
  });

  test('Fortran order becomes C order', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 0, maxLength: 4 });
    fc.assert(
      fc.property(sizes, (shape) => {
        const count = shape.reduce((product, size) => product * size, 1);
        // Element (i, j, k, …) holds its place in C order; Fortran order runs the first index fastest.
        const values: number[] = [];
        for (let place = 0; place < count; place++) {
          let rest = place;
          let value = 0;
          shape.forEach((size, axis) => {
            const stride = shape.slice(axis + 1).reduce((product, next) => product * next, 1);
            value += (rest % size) * stride;
            rest = Math.floor(rest / size);
          });
          values.push(value);
        }
        const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
        const file = npyOf(dict('<u4', tuple, 'True'), pack('setUint32', 4, true, values));
        expect(readNpy(file)).toEqual({ shape, data: Uint32Array.from({ length: count }, (_, i) => i) });
      }),
    );
  });

  test('a value that does not fit names its index', () => {
    const wide = (type: string, setter: string, values: (number | bigint)[]) =>
      npyOf(dict(`<${type}`, `(${values.length},)`), pack(setter, 8, true, values));
    for (const file of [
      wide('i8', 'setBigInt64', [1n, 2n ** 31n]),
      wide('i8', 'setBigInt64', [1n, -(2n ** 31n) - 1n]),
      wide('u8', 'setBigUint64', [1n, 2n ** 32n]),
      wide('f8', 'setFloat64', [1, 1e39]),
    ]) {
      const error = errorOf(() => readNpy(file));
      expect(error).toMatchObject({ name: 'FormatError', offset: file.length - 8 });
      expect(error.message).toContain('at index 1,');
    }
  });

  const good = dict('<f4', '(1,)');
  const four = [0, 0, 0, 0];
  const broken: [string, Uint8Array, string][] = [
    ['empty', new Uint8Array(0), 'starts with 93'],
    ['another file', Uint8Array.from({ length: 100 }, (_, i) => i), 'starts with 93'],
    ['only a magic', npyOf('').subarray(0, 6), 'preamble'],
    ['a preamble cut short', npyOf('').subarray(0, 9), 'preamble'],
    ['a preamble of version 2 cut short', npyOf('', [], 2).subarray(0, 11), 'preamble'],
    ['a header cut short', npyOf(good, [], 1, 1000), 'cut short'],
    ['a header of 4 GiB', npyOf(good, [], 2, 0xffffffff), 'cut short'],
    ['an empty header', npyOf(''), '"{" is expected'],
    ['a call', npyOf(`__import__('os').system('true')`), '"{" is expected'],
    [
      'a call for a value',
      npyOf(`{'descr': str(1), 'fortran_order': False, 'shape': (1,)}`, four),
      'a string is expected',
    ],
    [
      'a key twice',
      npyOf(`{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}`, four),
      'occurs twice',
    ],
    [
      'another key',
      npyOf(`{'__proto__': '<f4', 'fortran_order': False, 'shape': (1,)}`, four),
      'none of the keys',
    ],
    ['a key less', npyOf(`{'descr': '<f4', 'shape': (1,)}`, four), `'fortran_order' is missing`],
    ['no shape', npyOf(`{'descr': '<f4', 'fortran_order': False}`, four), `'shape' is missing`],
    ['no dtype', npyOf(`{'fortran_order': False, 'shape': (1,)}`, four), `'descr' is missing`],
    ['a string that does not end', npyOf(`{'descr`), 'does not end'],
    ['text behind it', npyOf(`${good} 1`, four), 'nothing more'],
    ['a bool that is none', npyOf(dict('<f4', '(1,)', '0'), four), 'True or False'],
    ['a number for a shape', npyOf(dict('<f4', '1'), four), '"(" is expected'],
    ['a number in parentheses', npyOf(dict('<f4', '(1)'), four), '(3,)'],
    ['a negative size', npyOf(dict('<f4', '(-1,)'), four), 'whole number'],
    ['two negative sizes', npyOf(dict('<f4', '(-1, -1)'), four), 'whole number'],
    ['a fraction', npyOf(dict('<f4', '(1.0,)'), four), '(3,)'],
    ['NaN', npyOf(dict('<f4', '(nan,)'), four), 'whole number'],
    ['a size past 2^53', npyOf(dict('<f4', '(9007199254740993,)'), four), 'whole number'],
    ['a product past 2^53', npyOf(dict('<f4', '(9007199254740991, 9007199254740991)'), four), 'needs'],
    ['an infinite product times zero', npyOf(dict('<f4', `(${'9007199254740991, '.repeat(30)}0)`)), 'needs'],
    ['a hundred axes', npyOf(dict('<f4', `(${'1, '.repeat(100)})`), four), 'more than 64 axes'],
    ['a huge shape', npyOf(dict('<f4', '(4294967296,)'), four), 'needs 17179869184 bytes'],
    ['a byte less', npyOf(good, [0, 0, 0]), 'needs 4 bytes of data, the .npy file has 3'],
    ['a byte more', npyOf(good, [0, 0, 0, 0, 0]), 'needs 4 bytes of data, the .npy file has 5'],
    ['a hundred thousand parentheses', npyOf(dict('<f4', '('.repeat(100_000)), four, 2), 'whole number'],
  ];
  test.each(broken)('broken: %s', (_, bytes, part) => {
    const error = errorOf(() => readNpy(bytes));
    expect(error).toMatchObject({ name: 'FormatError', code: 'ERR_FORMAT', offset: expect.any(Number) });
    expect(error.message).toContain(part);
  });

  test('valid, but not read', () => {
    for (const descr of ['<c8', '|b1', '|S5', '<U3', '|O', '<M8[ns]', '<f16', '=f4', '|f4', '']) {
      expect(errorOf(() => readNpy(npyOf(dict(descr, '(1,)'), four)))).toMatchObject({
        name: 'UnsupportedError',
        feature: 'npy dtype',
      });
    }
    const records = npyOf(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}`, four);
    expect(errorOf(() => readNpy(records))).toMatchObject({ feature: 'npy structured dtype' });
    expect(errorOf(() => readNpy(npyOf(good, four, 4)))).toMatchObject({ feature: 'npy version' });
  });
});

describe('writing', () => {
  test('byte for byte what numpy.save writes', () => {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }`;
    const bytes = writeNpy([2, 1], Float32Array.of(1, -2));
    expect(bytes).toEqual(
      npyOf(
        `${header.padEnd(128 - 10 - 1, ' ').slice(0, 117)}\n`,
        [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0],
      ).subarray(),
    );
  });

  test('any array comes back', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(
        sizes,
        fc.constantFrom(Float32Array, Int32Array, Uint32Array),
        fc.integer(),
        (shape, Type, seed) => {
          const count = shape.reduce((product, size) => product * size, 1);
          const data = Type.from(Array.from({ length: count }, (_, i) => Math.imul(seed + i, 0x9e3779b1)));
          const bytes = writeNpy(shape, data);
          expect((bytes.length - data.byteLength) % 64).toBe(0);
          expect(readNpy(bytes)).toEqual({ shape, data });
        },
      ),
    );
  });

  test('what cannot be written is the caller’s mistake', () => {
    const data = Float32Array.of(1);
    expect(errorOf(() => writeNpy([2], data))).toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
    expect(errorOf(() => writeNpy([-1, -1], data))).toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
    expect(errorOf(() => writeNpy(new Array(65).fill(1), data))).toMatchObject({
      code: 'ERR_ARGUMENT_RANGE',
    });
    expect(errorOf(() => writeNpy([1], [1] as never))).toMatchObject({ code: 'ERR_ARGUMENT_TYPE' });
    expect(errorOf(() => writeNpy('1' as never, data))).toMatchObject({ code: 'ERR_ARGUMENT_TYPE' });
  });
});
