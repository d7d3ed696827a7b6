import { ArgumentRangeError, ArgumentTypeError, FormatError, UnsupportedError } from '../base/errors.js';
import { integer, show } from '../base/guards.js';
import { parseNpyHeader } from './npy-header.js';

/**
 * NumPy's array files, versions 1, 2 and 3:
 *
 *   | 93 'NUMPY' | major, minor | header length: u16 (version 1) or u32 | header | data |
 *
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */

/** What is in a .npy file. */
export interface NpyArray {
  /** [] for a single number */
  shape: number[];
  /** in C order, whatever the order in the file */
  data: Float32Array | Int32Array | Uint32Array;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

export function isNpy(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

interface ElementType {
  bytes: number;
  make: (count: number) => NpyArray['data'];
  /** the value at a byte of the view; NaN stays NaN */
  get: (view: DataView, at: number, little: boolean) => number;
  /** whether every value of the type is one of the array's */
  exact: boolean;
}

const floats = (count: number) => new Float32Array(count);
const signed = (count: number) => new Int32Array(count);
const unsigned = (count: number) => new Uint32Array(count);

/** A half as a number: f × 2^-24 below the least normal 2^-14, and (1 + f/1024) × 2^(e-15) above. */
function getHalf(view: DataView, at: number, little: boolean): number {
  const half = view.getUint16(at, little);
  const exponent = (half >>> 10) & 31;
  const fraction = half & 0x3ff;
  let size: number;
  if (exponent === 31) size = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  else if (exponent === 0) size = fraction * 2 ** -24;
  else size = (1024 + fraction) * 2 ** (exponent - 25);
  return half & 0x8000 ? -size : size;
}

const types = new Map<string, ElementType>([
  ['f2', { bytes: 2, make: floats, get: getHalf, exact: true }],
  ['f4', { bytes: 4, make: floats, get: (view, at, little) => view.getFloat32(at, little), exact: true }],
  ['f8', { bytes: 8, make: floats, get: (view, at, little) => view.getFloat64(at, little), exact: false }],
  ['i1', { bytes: 1, make: signed, get: (view, at) => view.getInt8(at), exact: true }],
  ['i2', { bytes: 2, make: signed, get: (view, at, little) => view.getInt16(at, little), exact: true }],
  ['i4', { bytes: 4, make: signed, get: (view, at, little) => view.getInt32(at, little), exact: true }],
  [
    'i8',
    { bytes: 8, make: signed, get: (view, at, little) => Number(view.getBigInt64(at, little)), exact: false },
  ],
  ['u1', { bytes: 1, make: unsigned, get: (view, at) => view.getUint8(at), exact: true }],
  ['u2', { bytes: 2, make: unsigned, get: (view, at, little) => view.getUint16(at, little), exact: true }],
  ['u4', { bytes: 4, make: unsigned, get: (view, at, little) => view.getUint32(at, little), exact: true }],
  [
    'u8',
    {
      bytes: 8,
      make: unsigned,
      get: (view, at, little) => Number(view.getBigUint64(at, little)),
      exact: false,
    },
  ],
]);

/**
 * Reads one array: f2, f4, f8 → Float32Array; i1, i2, i4, i8 → Int32Array; u1, u2, u4, u8 → Uint32Array, of
 * either byte order, in C or Fortran order. f8 is rounded to f32.
 * @throws FormatError for a broken file, and for a value that its 32-bit type cannot hold (names its index);
 *   UnsupportedError for another dtype
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentTypeError(`a file must be given as a Uint8Array of its bytes, got ${show(bytes)}.`);
  }
  if (!isNpy(bytes))
    throw new FormatError('a .npy file starts with 93 4e 55 4d 50 59; this one does not.', { offset: 0 });
  const major = bytes[6];
  if (major === undefined || bytes.length < (major === 1 ? 10 : 12)) {
    throw new FormatError(`the .npy file ends after ${bytes.length} bytes, in its preamble.`, {
      offset: bytes.length,
    });
  }
  if (major < 1 || major > 3) {
    throw new UnsupportedError(
      `the .npy file is of version ${major}; versions 1 to 3 are read.`,
      'npy version',
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > bytes.length - start) {
    const problem = `the .npy header needs ${length} bytes, but only ${bytes.length - start} follow`;
    throw new FormatError(`${problem}: the file is cut short.`, { offset: 8 });
  }
  const header = parseNpyHeader(bytes.subarray(start, start + length), start);
  const { descr, fortranOrder, shape } = header;
  const type = types.get(descr.slice(1));
  const order = descr[0]!;
  if (type === undefined || !'<>|'.includes(order) || (order === '|' && type.bytes > 1)) {
    const known = [...types.keys()].join(', ');
    throw new UnsupportedError(`the .npy dtype is ${show(descr)}; these are read: ${known}.`, 'npy dtype');
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const begin = start + length;
  if (!Number.isSafeInteger(count * type.bytes) || count * type.bytes !== bytes.length - begin) {
    const problem = `${descr} ${show(shape)} needs ${count * type.bytes} bytes of data, the .npy file has`;
    throw new FormatError(`${problem} ${bytes.length - begin}.`, { offset: begin });
  }
  const data = type.make(count);
  const place = fortranOrder ? fortranPlaces(shape) : (index: number) => index;
  for (let i = 0; i < count; i++) {
    const value = type.get(view, begin + i * type.bytes, order !== '>');
    const at = place(i);
    data[at] = value;
    if (!type.exact && !fits(value, data[at]!, data)) {
      const problem = `the .npy file has ${value} at index ${at}, which does not fit ${data.constructor.name}`;
      throw new FormatError(`${problem}.`, { offset: begin + i * type.bytes });
    }
  }
  return { shape, data };
}

function fits(value: number, stored: number, data: NpyArray['data']): boolean {
  if (data instanceof Float32Array) return Number.isFinite(stored) || !Number.isFinite(value);
  return stored === value;
}

/** For the elements in Fortran order, one after the other: the index of each in C order. */
function fortranPlaces(shape: readonly number[]): () => number {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  const counter = new Array<number>(shape.length).fill(0);
  let next = 0;
  return () => {
    const at = next;
    for (let axis = 0; axis < shape.length; axis++) {
      next += strides[axis]!;
      if (++counter[axis]! < shape[axis]!) break;
      next -= strides[axis]! * shape[axis]!;
      counter[axis] = 0;
    }
    return at;
  };
}

/**
 * Writes an array as a .npy file of version 1, little-endian, in C order, its data at a multiple of 64 bytes.
 * @param shape at most 64 sizes whose product is the length of `data`; [] for a single number
 * @throws TypeError, RangeError when shape and data do not fit
 */
export function writeNpy(shape: readonly number[], data: NpyArray['data']): Uint8Array {
  const descr = data instanceof Float32Array ? '<f4' : data instanceof Int32Array ? '<i4' : '<u4';
  if (descr === '<u4' && !(data instanceof Uint32Array)) {
    throw new ArgumentTypeError(`data must be a Float32Array, Int32Array or Uint32Array, got ${show(data)}.`);
  }
  if (!Array.isArray(shape))
    throw new ArgumentTypeError(`shape must be an array of sizes, got ${show(shape)}.`);
  integer(shape.length, 'the number of sizes in shape', 0, 64);
  const count = shape.reduce((product, size) => product * integer(size, 'a size in shape', 0), 1);
  if (count !== data.length) {
    throw new ArgumentRangeError(`shape ${show(shape)} does not describe ${data.length} values.`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The header ends in a newline, and the data begins at a multiple of 64.
  const begin = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(begin + data.byteLength);
  bytes.set(magic);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, begin - 10, true);
  bytes.fill(0x20, 10, begin - 1);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes[begin - 1] = 0x0a;
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), begin);
  return bytes;
}
