import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHeader } from '#dist/formats/header.js';
import { readSafetensors, writeSafetensors } from '#dist/formats/safetensors.js';
import { errorOf, f32Bytes, safetensorsOf, stateDict } from './bytes.js';

const entry = (dtype: string, shape: unknown, offsets: unknown) =>
  JSON.stringify({ a: { dtype, shape, data_offsets: offsets } });

describe('reading files made by hand', () => {
  test('F32, F16 and BF16, metadata, an empty tensor, data at an odd address', () => {
    const header =
      '{"__metadata__":{"format":"pt","é":"\\u00e9\\n"},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"h":{"shape":[1,3],"data_offsets":[8,14],"dtype":"F16"},"b":{"dtype":"BF16","shape":[2,1],"data_offsets":[14,18]},' +
      '"none":{"dtype":"F32","shape":[0,5],"data_offsets":[18,18]},"one":{"dtype":"F32","shape":[],"data_offsets":[18,22]}}';
    const data = Uint8Array.from([
      ...[0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f], // 1, NaN
      ...[0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc], // 1, 2^-24, -Infinity
      ...[0x49, 0x40, 0x80, 0xbf], // 3.140625, -1
      ...[0, 0, 0, 0xc0], // -2
    ]);
    for (const padding of ['', ' ', '  ', '   ', '    ']) {
      const { tensors, metadata } = readSafetensors(safetensorsOf(header + padding, data));
      expect({ ...metadata }).toEqual({ format: 'pt', é: 'é\n' });
      expect({ ...tensors }).toEqual({
        x: { dtype: 'F32', shape: [2], data: Float32Array.of(1, NaN) },
        h: { dtype: 'F16', shape: [1, 3], data: Float32Array.of(1, 2 ** -24, -Infinity) },
        b: { dtype: 'BF16', shape: [2, 1], data: Float32Array.of(3.140625, -1) },
        none: { dtype: 'F32', shape: [0, 5], data: new Float32Array(0) },
        one: { dtype: 'F32', shape: [], data: Float32Array.of(-2) },
      });
    }
  });

  test('a view that does not start at its buffer, and bytes in shared memory', () => {
    const file = stateDict({ a: { shape: [1], bytes: f32Bytes([7]) } });
    const shared = new Uint8Array(new SharedArrayBuffer(file.length + 3), 3);
    shared.set(file);
    expect(readSafetensors(shared).tensors.a!.data).toEqual(Float32Array.of(7));
    const buffer = Buffer.concat([Buffer.from([1]), file]).subarray(1);
    expect(readSafetensors(buffer).tensors.a!.data).toEqual(Float32Array.of(7));
  });

  test('another dtype does not stop the header, only the tensor that has it', () => {
    const file = stateDict({
      'bn.num_batches_tracked': { dtype: 'I64', shape: [], bytes: new Uint8Array(8) },
    });
    expect(readHeader(file).tensors.get('bn.num_batches_tracked')).toMatchObject({ dtype: 'I64', shape: [] });
    const error = errorOf(() => readSafetensors(file));
    expect(error).toMatchObject({ name: 'UnsupportedError', code: 'ERR_UNSUPPORTED', feature: 'dtype I64' });
    expect(error.message).toContain('"bn.num_batches_tracked" is I64');
  });

  test('names that mean something to JavaScript are names', () => {
    const file = safetensorsOf(
      '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"constructor":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      f32Bytes([1, 2]),
    );
    const { tensors } = readSafetensors(file);
    expect(Object.keys(tensors)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(tensors)).toBe(null);
    expect(({} as Record<string, unknown>).dtype).toBe(undefined);
    const again = readSafetensors(writeSafetensors(tensors)).tensors;
    expect(Object.values(again)[1]!.data).toEqual(Float32Array.of(2));
  });
});

describe('broken files', () => {
  const one = f32Bytes([1]);
  const deep = (open: string, close: string) => `{"a":${open.repeat(100_000)}${close.repeat(100_000)}}`;
  const cases: [string, Uint8Array, string, object][] = [
    ['empty', new Uint8Array(0), 'has 0 bytes', { offset: 0 }],
    ['seven bytes', new Uint8Array(7), 'has 7 bytes', { offset: 0 }],
    ['a header of no bytes', new Uint8Array(8), 'must start with "{"', { offset: 8 }],
    ['a header cut short', safetensorsOf('{}', undefined, 3n), 'only 2 follow', { offset: 0 }],
    ['a header of 2^63 bytes', safetensorsOf('{}', undefined, 2n ** 63n), 'at most 100000000', { offset: 0 }],
    [
      'a header of 100,000,001 bytes',
      safetensorsOf('{}', undefined, 100_000_001n),
      'at most 100000000',
      { offset: 0 },
    ],
    ['a space before the header', safetensorsOf(' {}'), 'must start with "{"', { offset: 8 }],
    [
      'bytes that are not UTF-8',
      safetensorsOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)),
      'UTF-8',
      { offset: 8 },
    ],
    ['an array for a header', safetensorsOf('[]'), 'must start with "{"', { offset: 8 }],
    ['JSON that does not end', safetensorsOf('{"a":'), 'the text ends', { offset: 13 }],
    ['JSON that goes on', safetensorsOf('{} x'), 'nothing more', { offset: 11 }],
    ['a comma too many', safetensorsOf('{"é":1,}'), 'a key in double quotes', { offset: 8 + 8 }],
    [
      'NaN for a size',
      safetensorsOf('{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', one),
      'a JSON value',
      {},
    ],
    ['half a surrogate pair', safetensorsOf('{"\\ud800":1}'), 'surrogate', { offset: 9 }],
    ['a bad escape', safetensorsOf('{"\\x":1}'), 'escape', { offset: 9 }],
    ['a bare newline', safetensorsOf('{"\n":1}'), 'control character', {}],
    ['a number without end', safetensorsOf(`{"a":${'9'.repeat(100)}}`), 'more than 64', {}],
    ['a hundred thousand arrays', safetensorsOf(deep('[', ']')), 'nested more than 32', {}],
    ['a hundred thousand objects', safetensorsOf(deep('{"a":', '}')), 'nested more than 32', {}],
    [
      'a hundred thousand open arrays',
      safetensorsOf(`{"a":${'['.repeat(100_000)}`),
      'nested more than 32',
      {},
    ],
    [
      'a name twice',
      safetensorsOf('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\\u0061":1}', one),
      '"a" occurs twice',
      {},
    ],
    ['__proto__ twice', safetensorsOf('{"__proto__":1,"__proto__":2}'), 'occurs twice', { offset: 8 + 15 }],
    ['a field twice', safetensorsOf('{"a":{"dtype":"F32","dtype":"F16"}}'), '"dtype" occurs twice', {}],
    ['metadata twice', safetensorsOf('{"__metadata__":{"k":"1","k":"2"}}'), '"k" occurs twice', {}],
    ['metadata of another kind', safetensorsOf('{"__metadata__":[]}'), '__metadata__ ', { offset: 9 }],
    ['metadata that are no strings', safetensorsOf('{"__metadata__":{"k":1}}'), '"k" is 1', { offset: 9 }],
    ['an entry that is none', safetensorsOf('{"a":null}'), 'must be an object', { offset: 9, tensor: 'a' }],
    [
      'an entry with a constructor of its own',
      safetensorsOf('{"a":{"dtype":{"constructor":{"name":{}}}}}'),
      'dtype',
      { tensor: 'a' },
    ],
    [
      'no dtype',
      safetensorsOf('{"a":{"shape":[],"data_offsets":[0,4]}}', one),
      'dtype undefined',
      { tensor: 'a' },
    ],
    ['an unknown dtype', safetensorsOf(entry('F33', [], [0, 4]), one), '"F33"', { tensor: 'a', offset: 9 }],
    [
      'an inherited dtype',
      safetensorsOf(entry('constructor', [], [0, 4]), one),
      '"constructor"',
      { tensor: 'a' },
    ],
    [
      'the dtype of another size',
      safetensorsOf(entry('F16', [1], [0, 4]), one),
      'needs 2 bytes',
      { tensor: 'a' },
    ],
    ['half a byte', safetensorsOf(entry('F4', [7], [0, 4]), one), 'needs 28 bits', { tensor: 'a' }],
    ['no shape', safetensorsOf(entry('F32', undefined, [0, 4]), one), 'shape', { tensor: 'a' }],
    ['a negative size', safetensorsOf(entry('F32', [-1], [0, 4]), one), '[-1]', { tensor: 'a' }],
    ['two negative sizes', safetensorsOf(entry('F32', [-1, -1], [0, 4]), one), '[-1, -1]', { tensor: 'a' }],
    ['a fraction', safetensorsOf(entry('F32', [0.5, 2], [0, 4]), one), 'shape', { tensor: 'a' }],
    ['a size as a string', safetensorsOf(entry('F32', ['1'], [0, 4]), one), 'shape', { tensor: 'a' }],
    ['a size that is null', safetensorsOf(entry('F32', [null], [0, 4]), one), 'shape', { tensor: 'a' }],
    [
      'a size past 2^53',
      safetensorsOf('{"a":{"dtype":"F32","shape":[9007199254740993,0],"data_offsets":[0,4]}}', one),
      'shape',
      {},
    ],
    [
      'an infinite size',
      safetensorsOf('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', one),
      'shape',
      {},
    ],
    [
      'a product past 2^53',
      safetensorsOf(entry('F32', [2 ** 40, 2 ** 40], [0, 4]), one),
      'more elements',
      { tensor: 'a' },
    ],
    [
      'a huge shape',
      safetensorsOf(entry('F32', [2 ** 30], [0, 4]), one),
      'needs 4294967296 bytes',
      { tensor: 'a' },
    ],
    ['huge offsets', safetensorsOf(entry('F32', [2 ** 30], [0, 2 ** 32]), one), 'cut short', { tensor: 'a' }],
    ['one offset', safetensorsOf(entry('F32', [], [4]), one), 'data_offsets', { tensor: 'a' }],
    ['three offsets', safetensorsOf(entry('F32', [], [0, 4, 4]), one), 'data_offsets', { tensor: 'a' }],
    ['negative offsets', safetensorsOf(entry('F32', [], [-4, 0]), one), 'data_offsets', { tensor: 'a' }],
    [
      'offsets backwards',
      safetensorsOf(entry('F32', [], [4, 0]), one),
      'end before they begin',
      { tensor: 'a' },
    ],
    ['no offsets', safetensorsOf(entry('F32', [], undefined), one), 'data_offsets', { tensor: 'a' }],
    [
      'a hole at the start',
      safetensorsOf(entry('F32', [], [1, 5]), new Uint8Array(5)),
      '1 bytes before',
      { offset: 8 + entry('F32', [], [1, 5]).length },
    ],
    ['trailing data', safetensorsOf(entry('F32', [], [0, 4]), new Uint8Array(5)), '1 bytes after', {}],
    ['data without tensors', safetensorsOf('{}', one), '4 bytes after', { offset: 10 }],
  ];
  test.each(cases)('%s', (_, bytes, part, where) => {
    const error = errorOf(() => readSafetensors(bytes));
    expect(error).toMatchObject({ name: 'FormatError', code: 'ERR_FORMAT', ...where });
    expect(error.message).toContain(part);
    expect(error.message.length).toBeLessThan(400);
  });

  test('overlaps, and a hole between tensors', () => {
    const two = (a: number[], b: number[]) =>
      safetensorsOf(
        JSON.stringify({
          b: { dtype: 'U8', shape: [b[1]! - b[0]!], data_offsets: b },
          a: { dtype: 'U8', shape: [a[1]! - a[0]!], data_offsets: a },
        }),
        new Uint8Array(8),
      );
    expect(readHeader(two([0, 4], [4, 8])).tensors.size).toBe(2);
    expect(readHeader(two([4, 8], [0, 4])).tensors.size).toBe(2);
    expect(readHeader(two([0, 8], [8, 8])).tensors.size).toBe(2);
    for (const [a, b] of [
      [
        [0, 5],
        [4, 8],
      ],
      [
        [0, 8],
        [0, 8],
      ],
      [
        [0, 8],
        [2, 3],
      ],
      [
        [0, 8],
        [4, 4],
      ],
    ] as const) {
      const error = errorOf(() => readHeader(two([...a], [...b])));
      expect(error).toMatchObject({ name: 'FormatError', tensor: expect.stringMatching(/^[ab]$/) });
      expect(error.message).toContain('overlap');
    }
    expect(errorOf(() => readHeader(two([0, 3], [4, 8]))).message).toContain('1 bytes before tensor "b"');
  });

  test('a claim allocates nothing', () => {
    const files = [
      safetensorsOf('{}', undefined, 99_999_999n),
      safetensorsOf(entry('F32', [2 ** 31], [0, 2 ** 33]), one),
      safetensorsOf(entry('F16', [2 ** 32], [0, 2 ** 33]), one),
      safetensorsOf(entry('F32', [2 ** 31], [0, 4]), one),
    ];
    const before = process.memoryUsage().arrayBuffers;
    for (const file of files) expect(errorOf(() => readSafetensors(file)).name).toBe('FormatError');
    // Less than a thousandth of the least claim.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e5);
  });

  test('what is not bytes', () => {
    for (const value of [undefined, null, 'x', [], new ArrayBuffer(8), new Float32Array(4)]) {
      expect(errorOf(() => readSafetensors(value as never))).toMatchObject({
        name: 'TypeError',
        code: 'ERR_ARGUMENT_TYPE',
      });
    }
  });
});

describe('writing', () => {
  test('byte for byte what the format says', () => {
    const bytes = writeSafetensors(
      { b: { shape: [1, 2], data: Float32Array.of(1, -2) }, a: { shape: [], data: Float32Array.of(0.5) } },
      { metadata: { z: '1', k: '"' } },
    );
    const json =
      '{"__metadata__":{"k":"\\"","z":"1"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
      '"b":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8, ' ');
    expect(padded).not.toBe(json);
    expect(bytes).toEqual(safetensorsOf(padded, f32Bytes([0.5, 1, -2])));
  });

  test('f16 stores halves, and refuses what they cannot hold', () => {
    const bytes = writeSafetensors(
      { a: { shape: [3], data: Float32Array.of(1, Infinity, 1 / 3) } },
      { dtype: 'f16' },
    );
    expect(bytes.slice(-6)).toEqual(Uint8Array.of(0x00, 0x3c, 0x00, 0x7c, 0x55, 0x35));
    const error = errorOf(() =>
      writeSafetensors({ a: { shape: [2], data: Float32Array.of(1, 65520) } }, { dtype: 'f16' }),
    );
    expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' });
    expect(error.message).toContain('"a": value 65520 at 1');
  });

  test('the same tensors in another order give the same bytes', () => {
    const a = { shape: [1], data: Float32Array.of(1) };
    const b = { shape: [1], data: Float32Array.of(2) };
    expect(writeSafetensors({ a, b })).toEqual(writeSafetensors({ b, a }));
  });

  test('what cannot be written is the caller’s mistake', () => {
    const good = { shape: [1], data: Float32Array.of(1) };
    const range = { name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' };
    const type = { name: 'TypeError', code: 'ERR_ARGUMENT_TYPE' };
    expect(errorOf(() => writeSafetensors({ __metadata__: good }))).toMatchObject(range);
    expect(errorOf(() => writeSafetensors({ '\ud800': good }))).toMatchObject(range);
    expect(errorOf(() => writeSafetensors({ a: { shape: [2], data: good.data } }))).toMatchObject(range);
    expect(errorOf(() => writeSafetensors({ a: { shape: [-1, -1], data: good.data } }))).toMatchObject(range);
    expect(errorOf(() => writeSafetensors({ a: { shape: [1], data: [1] as never } }))).toMatchObject(type);
    expect(errorOf(() => writeSafetensors({ a: good }, { metadata: { k: 1 as never } }))).toMatchObject(type);
    expect(errorOf(() => writeSafetensors({ a: good }, { metadata: { k: '\udc00' } }))).toMatchObject(range);
    expect(errorOf(() => writeSafetensors({ a: good }, { dtype: 'f64' as never }))).toMatchObject(range);
  });

  test('any tensors come back bit for bit', () => {
    const tensor = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }).chain((shape) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const patterns = fc.array(fc.integer({ min: 0, max: 0xffffffff }), {
        minLength: count,
        maxLength: count,
      });
      return patterns.map((bits) => ({ shape, data: new Float32Array(Uint32Array.from(bits).buffer) }));
    });
    const name = fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .filter((s) => s !== '__metadata__' && s.isWellFormed());
    fc.assert(
      fc.property(
        fc.dictionary(name, tensor, { noNullPrototype: false }),
        fc.dictionary(
          name,
          fc.string().filter((s) => s.isWellFormed()),
        ),
        (tensors, metadata) => {
          const file = readSafetensors(writeSafetensors(tensors, { metadata }));
          expect(Object.entries(file.metadata).sort()).toEqual(Object.entries(metadata).sort());
          expect(Object.keys(file.tensors).sort()).toEqual(Object.keys(tensors).sort());
          for (const [key, { shape, data }] of Object.entries(tensors)) {
            expect(file.tensors[key]!.shape).toEqual(shape);
            expect(new Uint32Array(file.tensors[key]!.data.buffer)).toEqual(new Uint32Array(data.buffer));
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
