import { FormatError } from '../../base/errors.js';
import { show } from '../../base/guards.js';

/**
 * The binary format of later versions of RNNoise, LPCNet and Opus (parse_lpcnet_weights.c, write_weights.c): arrays one
 * after the other, all numbers little-endian, each
 *
 *   | "DNNw" | version i32 = 0 | type i32 | size i32 | block i32 | name: 44 bytes that end in zeros | block bytes |
 *   └ 64 bytes                                                                                     ┘
 *
 * of whose last part the first `size` bytes are the array's. Types: 0 float, 1 int, 2 qweight, 3 int8.
 */
export const blobHead = 'DNNw';
const headBytes = 64;
const nameBytes = 44;
const types = ['float', 'int', 'qweight', 'int8'] as const;

/** One array of a blob. */
export interface BlobArray {
  name: string;
  type: (typeof types)[number];
  /** its own bytes, where they lie */
  bytes: Uint8Array;
  /** where they begin in the file */
  offset: number;
}

/**
 * Finds the arrays of a blob.
 * @returns by name
 * @throws FormatError with the byte, and the array's name where it is known
 */
export function readBlob(bytes: Uint8Array): Map<string, BlobArray> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const arrays = new Map<string, BlobArray>();
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at - headBytes;
    if (left < 0) throw fail(at, `an array's head has ${headBytes} bytes, ${headBytes + left} are left`);
    const mark = String.fromCharCode(...bytes.subarray(at, at + 4));
    if (mark !== blobHead)
      throw fail(at, `an array must begin with ${blobHead}, it begins with ${show(mark)}`);
    const name = readName(bytes, at + 20);
    const [version, type, size, block] = [4, 8, 12, 16].map((field) => view.getInt32(at + field, true)) as [
      number,
      number,
      number,
      number,
    ];
    const own = (problem: string, offset = at) => fail(offset, `array ${show(name)}: ${problem}`, name);
    if (version !== 0) throw own(`its version is ${version}, and 0 is read`, at + 4);
    const kind = types[type];
    if (kind === undefined) throw own(`type ${type} is none of the format's`, at + 8);
    if (size <= 0) throw own(`it has ${size} bytes`, at + 12);
    if (block < size || block > left)
      throw own(`it takes ${block} bytes for ${size}, and ${left} are left`, at + 16);
    if (arrays.has(name)) throw own('there is another one of that name');
    const offset = at + headBytes;
    arrays.set(name, { name, type: kind, bytes: bytes.subarray(offset, offset + size), offset });
    at = offset + block;
  }
  return arrays;
}

function readName(bytes: Uint8Array, at: number): string {
  const own = bytes.subarray(at, at + nameBytes);
  const end = own.indexOf(0);
  const isName = end > 0 && own.subarray(0, end).every((byte) => byte > 0x20 && byte < 0x7f);
  if (!isName || own[nameBytes - 1] !== 0)
    throw fail(at, `an array's name must be 1..${nameBytes - 1} letters and end in a zero`);
  return String.fromCharCode(...own.subarray(0, end));
}

function fail(offset: number, problem: string, tensor?: string): FormatError {
  return new FormatError(`the RNNoise blob is broken at byte ${offset}: ${problem}.`, {
    offset,
    ...(tensor === undefined ? {} : { tensor }),
  });
}

/** An array of floats. @throws FormatError when it is another type, or no whole number of them */
export function floatsOf(array: BlobArray): Float32Array {
  expectType(array, 'float', 4);
  return new Float32Array(new Uint8Array(array.bytes).buffer);
}

/** An array of whole numbers. @throws as floatsOf */
export function integersOf(array: BlobArray): Int32Array {
  expectType(array, 'int', 4);
  return new Int32Array(new Uint8Array(array.bytes).buffer);
}

/** An array of bytes with a sign. @throws as floatsOf */
export function bytesOf(array: BlobArray): Int8Array {
  expectType(array, 'int8', 1);
  return new Int8Array(new Uint8Array(array.bytes).buffer);
}

function expectType({ name, type, bytes, offset }: BlobArray, wanted: BlobArray['type'], size: number): void {
  if (type === wanted && bytes.length % size === 0) return;
  throw fail(offset, `array ${show(name)} must be ${wanted}, it is ${bytes.length} bytes of ${type}`, name);
}
