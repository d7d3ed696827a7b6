import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeModel } from '#dist/formats/native.js';
import { readNpy, writeNpy } from '#dist/formats/npy.js';
import { readModel } from '#dist/formats/read.js';
import { checkSpec } from '#dist/model/check.js';
import { checkTensors } from '#dist/model/tensors.js';
import { ramp, recurrent, safetensorsOf, stateDict } from './bytes.js';

/**
 * Mutated files: whatever is done to the bytes of a model, reading them gives a model that passes every check, or
 * one of the package's own errors.
 */

const dict = {
  'embedding.weight': ramp([5, 2]),
  ...recurrent('lstm.', 4, 2, 4, { layers: 2 }),
  'decoder.weight': ramp([5, 4]),
  'decoder.bias': ramp([5]),
};
const seeds = [
  stateDict(dict, { format: 'pt' }),
  stateDict(recurrent('', 3, 2, 3, { bias: false })),
  stateDict({ ...recurrent('rnn.', 1, 1, 2), 'fc.weight': ramp([2, 2]) }),
  encodeModel({ ...readModel(stateDict(dict)), vocab: [10, 32, 65, 66, 67] }),
  encodeModel(readModel(stateDict(dict)), { dtype: 'f16' }),
];

type Edit =
  | { kind: 'flip'; at: number; mask: number }
  | { kind: 'cut'; at: number }
  | { kind: 'grow'; bytes: Uint8Array }
  | { kind: 'splice'; from: number; at: number; length: number; seed: number }
  | { kind: 'length'; value: bigint }
  | { kind: 'field'; at: number; text: string }
  | { kind: 'entry'; at: number; change: string }
  | { kind: 'spec'; at: number; value: unknown };

const hostileTexts = [
  '-1',
  '0',
  '1',
  '1.5',
  '4294967296',
  '9007199254740993',
  '1e999',
  'NaN',
  'null',
  'true',
  '""',
  '"F16"',
  '"BF16"',
  '"I64"',
  '"F64"',
  '"__proto__"',
  '"constructor"',
  '[]',
  '[0,0]',
  '{}',
  '[[[[[[]]]]]]',
  '{"constructor":{"name":{}}}',
  '"lstm.weight_hh_l0"',
  '"blockrnn"',
  '"\\ud800"',
  '"\\u0000"',
  '"l.weight_ih_l0_reverse"',
  ',',
  ':',
  '}',
  '[',
];

/** New dtypes, shapes and names for a tensor whose bytes stay as they are. */
const entryChanges = [
  ...['F32', 'F16', 'BF16', 'F64', 'I64', 'I32', 'U16', 'BOOL', 'F4'].map((dtype) => `dtype ${dtype}`),
  ...['flat', 'turned', 'column', 'more'].map((shape) => `shape ${shape}`),
  ...[
    'lstm.weight_ih_l0_reverse',
    'lstm.weight_hr_l0',
    'lstm.weight_hh_l7',
    'weight',
    'x.weight',
    'x.bias',
    'y',
  ].map((name) => `name ${name}`),
];
const specValues: unknown[] = [
  0,
  -1,
  1,
  1.5,
  2,
  3,
  1e15,
  null,
  '',
  'gru',
  'lstm',
  'elman',
  [],
  {},
  true,
  false,
  [10, 10],
];

// Most edits fall on the header, where the decisions are.
const place = fc.oneof({ weight: 3, arbitrary: fc.nat(900) }, { weight: 1, arbitrary: fc.nat(4000) });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, mask: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: place }),
  fc.record({ kind: fc.constant('grow' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }) }),
  fc.record({
    kind: fc.constant('splice' as const),
    from: place,
    at: place,
    length: fc.nat(40),
    seed: fc.nat(seeds.length - 1),
  }),
  fc.record({
    kind: fc.constant('length' as const),
    value: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2000n })),
  }),
  // Twice as likely as the rest: edits of the header, whose length is then made to fit.
  ...[1, 2].flatMap((): fc.Arbitrary<Edit>[] => [
    fc.record({
      kind: fc.constant('field' as const),
      at: fc.nat(200),
      text: fc.constantFrom(...hostileTexts),
    }),
    fc.record({
      kind: fc.constant('entry' as const),
      at: fc.nat(20),
      change: fc.constantFrom(...entryChanges),
    }),
    fc.record({ kind: fc.constant('spec' as const), at: fc.nat(40), value: fc.constantFrom(...specValues) }),
  ]),
);

const edits = fc.oneof(
  { weight: 2, arbitrary: fc.array(edit, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.array(edit, { minLength: 2, maxLength: 4 }) },
);

function apply(file: Uint8Array, change: Edit): Uint8Array {
  switch (change.kind) {
    case 'flip': {
      const bytes = file.slice();
      if (bytes.length > 0) bytes[change.at % bytes.length]! ^= change.mask;
      return bytes;
    }
    case 'cut':
      return file.slice(0, file.length === 0 ? 0 : change.at % file.length);
    case 'grow':
      return Uint8Array.from([...file, ...change.bytes]);
    case 'splice': {
      const other = seeds[change.seed]!;
      const from = change.from % other.length;
      const at = file.length === 0 ? 0 : change.at % file.length;
      const bytes = file.slice();
      bytes.set(
        other.subarray(from, Math.min(from + change.length, other.length, from + bytes.length - at)),
        at,
      );
      return bytes;
    }
    case 'length': {
      const bytes = file.slice();
      if (bytes.length >= 8) new DataView(bytes.buffer).setBigUint64(0, change.value, true);
      return bytes;
    }
    case 'entry':
      return editHeader(file, (header) => changeEntry(header, change.at, change.change));
    case 'spec':
      return editHeader(file, (header) => changeSpec(header, change.at, change.value));
    case 'field': {
      const length = lengthOf(file);
      const text = new TextDecoder().decode(file.subarray(8, 8 + length));
      // Values and keys: numbers, strings, brackets.
      const tokens = [...text.matchAll(/-?\d+|"(?:[^"\\]|\\.)*"|\[[^[\]]*\]/g)];
      const token = tokens[change.at % Math.max(tokens.length, 1)];
      if (token === undefined) return file;
      const edited = text.slice(0, token.index) + change.text + text.slice(token.index + token[0].length);
      return safetensorsOf(edited, file.subarray(8 + length));
    }
  }
}

function lengthOf(file: Uint8Array): number {
  if (file.length < 8) return 0;
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return length > file.length - 8 ? 0 : length;
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>;

/** A file with its header changed as an object; what an earlier edit has broken stays as it is. */
function editHeader(file: Uint8Array, change: (header: Header) => Header): Uint8Array {
  const length = lengthOf(file);
  try {
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Header;
    return safetensorsOf(JSON.stringify(change(header)), file.subarray(8 + length));
  } catch {
    return file;
  }
}

function changeEntry(header: Header, at: number, change: string): Header {
  const names = Object.keys(header).filter((key) => key !== '__metadata__');
  const name = names[at % names.length]!;
  const entry = header[name]!;
  const [what, value] = change.split(' ') as [string, string];
  const count = entry.shape.reduce((product, size) => product * size, 1);
  if (what === 'dtype') entry.dtype = value;
  else if (what === 'name') {
    return Object.fromEntries(Object.entries(header).map(([key, old]) => [key === name ? value : key, old]));
  } else if (value === 'flat') entry.shape = [count];
  else if (value === 'turned') entry.shape.reverse();
  else if (value === 'column') entry.shape = [count, 1];
  else entry.shape.push(2);
  return header;
}

/** Sets one field of one layer in the metadata of a native file, or its vocabulary or version. */
function changeSpec(header: Header, at: number, value: unknown): Header {
  const metadata = header.__metadata__ as unknown as { blockrnn: string };
  const stated = JSON.parse(metadata.blockrnn) as { spec: { layers: Record<string, unknown>[] } };
  const holders = [stated as unknown as Record<string, unknown>, stated.spec, ...stated.spec.layers];
  const fields = holders.flatMap((holder) => Object.keys(holder).map((key) => [holder, key] as const));
  const [holder, key] = fields[at % fields.length]! as [Record<string, unknown>, string];
  holder[key] = value;
  metadata.blockrnn = JSON.stringify(stated);
  return header;
}

const codes = new Map([
  ['FormatError', 'ERR_FORMAT'],
  ['UnsupportedError', 'ERR_UNSUPPORTED'],
  ['MismatchError', 'ERR_MISMATCH'],
  ['RangeError', 'ERR_ARGUMENT_RANGE'],
  ['TypeError', 'ERR_ARGUMENT_TYPE'],
]);

/** Returns the name of the error, or 'read'. Anything but a checked result or one of our errors fails. */
function outcome(read: () => void): string {
  try {
    read();
    return 'read';
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string };
    if (codes.get(name) !== code || code === undefined) throw error;
    expect(message.length).toBeLessThan(3000);
    return name;
  }
}

test('24,000 mutated model files are read or refused', () => {
  const counts = new Map<string, number>();
  const memory = process.memoryUsage().arrayBuffers;
  fc.assert(
    fc.property(fc.nat(seeds.length - 1), edits, (seed, changes) => {
      const file = changes.reduce(apply, seeds[seed]!);
      const name = outcome(() => {
        const model = readModel(file);
        checkTensors(checkSpec(model.spec), model.tensors);
        // A model that was read can be written and read again.
        expect(readModel(encodeModel(model)).spec).toEqual(model.spec);
      });
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }),
    { numRuns: 24_000 },
  );
  // Every way out was taken often enough to mean something; files make no TypeError.
  for (const name of ['read', 'FormatError', 'UnsupportedError', 'MismatchError']) {
    expect(counts.get(name) ?? 0, name).toBeGreaterThan(100);
  }
  expect(counts.get('TypeError')).toBe(undefined);
  expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(2 ** 28);
}, 60_000);

test('2,000 mutated state dicts with a hostile spec beside them', () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      'lstm',
      'elman',
      'rnn',
      'fc',
      'linear',
      'embedding',
      'activation',
      'relu',
      0,
      -1,
      1.5,
      2,
      4,
      8,
    ),
    fc.constantFrom<unknown>(
      Number.NaN,
      Infinity,
      null,
      undefined,
      true,
      [],
      {},
      { constructor: { name: {} } },
      2 ** 40,
    ),
  );
  const layer = fc.record(
    { kind: value, name: value, blocks: value, hiddenSize: value, activation: value, inputSize: value },
    { requiredKeys: [] },
  );
  const spec = fc.oneof(fc.record({ layers: fc.array(fc.oneof(layer, value), { maxLength: 4 }) }), value);
  fc.assert(
    fc.property(fc.nat(seeds.length - 1), spec, value, value, (seed, given, blocks, tolerance) => {
      outcome(() =>
        readModel(seeds[seed]!, { spec: given, blocks: blocks as never, tolerance: tolerance as never }),
      );
    }),
    { numRuns: 2000 },
  );
});

test('5,000 mutated .npy files are read or refused', () => {
  const arrays = [
    writeNpy([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
    writeNpy([], Int32Array.of(7)),
    writeNpy([4], Uint32Array.of(1, 2, 3, 4)),
  ];
  const change = fc.tuple(
    fc.nat(127),
    fc.oneof(fc.constantFrom(...Buffer.from(`0123456789<>|fiu'"(),:{}L `)), fc.nat(255)),
  );
  const counts = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.nat(2),
      fc.array(change, { minLength: 1, maxLength: 2 }),
      fc.option(fc.nat(150), { freq: 1 }),
      (seed, changes, cut) => {
        const file = arrays[seed]!.slice();
        for (const [at, byte] of changes) file[at] = byte;
        const bytes = cut === null ? file : file.subarray(0, cut);
        const name = outcome(() => {
          const { shape, data } = readNpy(bytes);
          expect(shape.reduce((product, size) => product * size, 1)).toBe(data.length);
        });
        counts.set(name, (counts.get(name) ?? 0) + 1);
      },
    ),
    { numRuns: 5000 },
  );
  for (const name of ['read', 'FormatError', 'UnsupportedError'])
    expect(counts.get(name) ?? 0, name).toBeGreaterThan(20);
  expect(counts.size).toBe(3);
});
