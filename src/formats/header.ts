import { ArgumentTypeError, FormatError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { isObject, type Json, type JsonObject, parseJson } from './json.js';

/**
 * The header of a safetensors file, checked as a whole before a byte of data is touched:
 *
 *   | n: u64 little-endian | n bytes of JSON | data: the tensors one after the other, no gap, no overlap |
 *
 *   { "__metadata__": { string: string }, "<name>": { "dtype", "shape", "data_offsets": [begin, end] }, … }
 *
 * https://github.com/huggingface/safetensors#format
 */

/** One tensor as it lies in the file. */
export interface StoredTensor {
  /** the format's own name of the element type: F32, F16, BF16, I64, … */
  dtype: string;
  shape: number[];
  /** first byte, and the one after the last, counted from the start of the file */
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  /** by name, in the order of their data */
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

/** The format's own limit on the length of the JSON. */
export const maxHeaderBytes = 100_000_000;

/** Bits per element of every type that the format knows. */
const elementBits = /* @__PURE__ */ new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0'].map((name): [string, number] => [name, 8]),
  ...['U16', 'I16', 'F16', 'BF16'].map((name): [string, number] => [name, 16]),
  ...['U32', 'I32', 'F32'].map((name): [string, number] => [name, 32]),
  ...['U64', 'I64', 'F64', 'C64'].map((name): [string, number] => [name, 64]),
]);

/**
 * The length that the first 8 bytes give to the JSON, exact up to 2^53 and never less than the truth beyond.
 * NaN when there are no 8 bytes.
 */
export function headerLength(bytes: Uint8Array): number {
  if (bytes.length < 8) return Number.NaN;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
}

/**
 * Reads and checks the header: lengths, JSON, types, shapes, and that the tensors cover the data exactly.
 * Afterwards no tensor can ask for more memory than the file has bytes.
 * @param bytes of the file, at least to the header's end
 * @param fileLength bytes of the whole file
 * @throws FormatError with the byte where it was seen, and the tensor; TypeError when `bytes` are not bytes
 */
export function readHeader(bytes: Uint8Array, fileLength = bytes?.length): SafetensorsHeader {
  const text = decodeText(bytes);
  const dataStart = 8 + headerLength(bytes);
  const byteAt = (index: number) => 8 + new TextEncoder().encode(text.slice(0, index)).length;
  const keys = new Map<string, number>();
  const header = parseJson(
    text,
    (problem, index) => {
      const offset = byteAt(index);
      return new FormatError(
        `the JSON header of the safetensors file is broken at byte ${offset}: ${problem}.`,
        { offset },
      );
    },
    keys,
  ) as JsonObject;

  const metadata: Record<string, string> = Object.create(null);
  const found: [string, StoredTensor][] = [];
  for (const [name, entry] of Object.entries(header)) {
    const fail = (problem: string) => {
      const offset = byteAt(keys.get(name)!);
      if (name === '__metadata__')
        return new FormatError(`__metadata__ of the safetensors file ${problem}.`, { offset });
      return new FormatError(`tensor ${show(name)}: ${problem}.`, { offset, tensor: name });
    };
    if (name === '__metadata__') readMetadata(entry, metadata, fail);
    else found.push([name, readEntry(entry, dataStart, fileLength, fail)]);
  }
  return { tensors: checkCover(found, dataStart, fileLength), metadata };
}

function decodeText(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentTypeError(`a file must be given as a Uint8Array of its bytes, got ${show(bytes)}.`);
  }
  const length = headerLength(bytes);
  if (Number.isNaN(length)) {
    const problem = `the file has ${bytes.length} bytes; a safetensors file starts with 8 that give the length of its header`;
    throw new FormatError(`${problem}.`, { offset: 0 });
  }
  if (length > maxHeaderBytes) {
    const problem = `the first 8 bytes claim a header of ${length} bytes; a safetensors file has at most ${maxHeaderBytes}`;
    throw new FormatError(`${problem}. Is this another kind of file?`, { offset: 0 });
  }
  if (length > bytes.length - 8) {
    const problem = `the header needs ${length} bytes, but only ${bytes.length - 8} follow`;
    throw new FormatError(`${problem}: the safetensors file is cut short.`, { offset: 0 });
  }
  if (length < 2 || bytes[8] !== 0x7b) {
    throw new FormatError('the header of a safetensors file must start with "{".', { offset: 8 });
  }
  try {
    // Copied, because a decoder refuses bytes in shared memory.
    const copy = new Uint8Array(bytes.subarray(8, 8 + length));
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(copy);
  } catch (cause) {
    throw new FormatError('the header of the safetensors file is not valid UTF-8.', { offset: 8, cause });
  }
}

type Failure = (problem: string) => FormatError;

function readMetadata(entry: Json, metadata: Record<string, string>, fail: Failure): void {
  if (!isObject(entry)) throw fail(`must be an object of strings, it is ${show(entry)}`);
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw fail(`must hold strings only, but ${show(key)} is ${show(value)}`);
    metadata[key] = value;
  }
}

function readEntry(entry: Json, dataStart: number, fileLength: number, fail: Failure): StoredTensor {
  if (!isObject(entry)) throw fail(`its entry must be an object, it is ${show(entry)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const bits = typeof dtype === 'string' ? elementBits.get(dtype) : undefined;
  if (typeof dtype !== 'string' || bits === undefined)
    throw fail(`dtype ${show(dtype)} is none of the format's types`);
  if (!isSizes(shape))
    throw fail(`shape must be an array of whole numbers of at least 0, it is ${show(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw fail(`data_offsets must be two whole numbers of at least 0, they are ${show(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  const room = fileLength - dataStart;
  if (begin > end) throw fail(`data_offsets ${show(offsets)} end before they begin`);
  if (end > room)
    throw fail(`data_offsets ${show(offsets)} reach past the ${room} bytes of data: the file is cut short`);
  let count = bits;
  for (const size of shape) {
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER)
      throw fail(`shape ${show(shape)} claims more elements than can be counted`);
  }
  if (count !== (end - begin) * 8) {
    const needed = count % 8 === 0 ? `${count / 8} bytes` : `${count} bits`;
    throw fail(
      `${dtype} ${show(shape)} needs ${needed}, data_offsets ${show(offsets)} hold ${end - begin} bytes`,
    );
  }
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

function isSizes(value: Json | undefined): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function checkCover(
  found: [string, StoredTensor][],
  dataStart: number,
  fileLength: number,
): Map<string, StoredTensor> {
  found.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let place = dataStart;
  let before = '';
  for (const [name, { begin, end }] of found) {
    if (begin < place) {
      throw new FormatError(`tensors ${show(before)} and ${show(name)} overlap.`, {
        offset: begin,
        tensor: name,
      });
    }
    if (begin > place) {
      const problem = `${begin - place} bytes before tensor ${show(name)} belong to no tensor`;
      throw new FormatError(`${problem}; the format allows no holes.`, { offset: place, tensor: name });
    }
    place = end;
    before = name;
  }
  if (place !== fileLength) {
    const problem = `${fileLength - place} bytes after the last tensor belong to none`;
    throw new FormatError(`${problem}; the format allows no trailing data.`, { offset: place });
  }
  return new Map(found);
}
