import { ArgumentRangeError, ArgumentTypeError, UnsupportedError } from '../base/errors.js';
import { oneOf, show } from '../base/guards.js';
import type { Tensor, Tensors } from '../model/tensors.js';
import { decodeBf16, decodeF16, encodeF16 } from './half.js';
import { maxHeaderBytes, readHeader, type StoredTensor } from './header.js';

/** A tensor with the type that it had in its file. */
export interface ReadTensor extends Tensor {
  /** 'F32', 'F16' or 'BF16' */
  dtype: string;
}

/** What is in a safetensors file. */
export interface Safetensors {
  /** by name; an object without a prototype */
  tensors: Record<string, ReadTensor>;
  /** strings by name; empty where the file has none */
  metadata: Record<string, string>;
}

/** How to write one. */
export interface SafetensorsOptions {
  /** strings by name, to stand in the header; default none */
  metadata?: Record<string, string>;
  /** type of every tensor in the file; default 'f32' */
  dtype?: 'f32' | 'f16';
}

/** @throws UnsupportedError when a tensor is not F32, F16 or BF16 */
export function checkDtype(name: string, { dtype }: StoredTensor): void {
  if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return;
  const problem = `tensor ${show(name)} is ${dtype}; F32, F16 and BF16 are read`;
  throw new UnsupportedError(
    `${problem}. Save it as float32, in PyTorch with tensor.float().`,
    `dtype ${dtype}`,
  );
}

/** Bytes of one value of a dtype that is read. */
export function bytesOf(dtype: string): number {
  return dtype === 'F32' ? 4 : 2;
}

/** Values of a dtype that is read, as f32, exactly. A view of the bytes where they are f32 at a multiple of 4. */
export function decodeValues(bytes: Uint8Array, dtype: string): Float32Array {
  const size = bytesOf(dtype);
  // Copied where the data of a tensor starts at an odd address.
  const whole = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  if (dtype === 'F32') return new Float32Array(whole.buffer, whole.byteOffset, whole.length / 4);
  const halves = new Uint16Array(whole.buffer, whole.byteOffset, whole.length / 2);
  return dtype === 'F16' ? decodeF16(halves) : decodeBf16(halves);
}

/**
 * Reads one tensor whose header entry has been checked by readHeader, into memory of its own.
 * @throws UnsupportedError when it is not F32, F16 or BF16
 */
export function readTensor(bytes: Uint8Array, name: string, stored: StoredTensor): Tensor {
  checkDtype(name, stored);
  const { dtype, shape, begin, end } = stored;
  const source = bytes.subarray(begin, end);
  return { shape: [...shape], data: decodeValues(dtype === 'F32' ? new Uint8Array(source) : source, dtype) };
}

/**
 * Reads every tensor of a safetensors file as f32: F32, F16 and BF16, exactly.
 * @param bytes all of the file
 * @throws FormatError for a broken file (byte offset, tensor name); UnsupportedError for another dtype
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { tensors: stored, metadata } = readHeader(bytes);
  const tensors: Record<string, ReadTensor> = Object.create(null);
  for (const [name, entry] of stored)
    tensors[name] = { ...readTensor(bytes, name, entry), dtype: entry.dtype };
  return { tensors, metadata };
}

/**
 * Writes a safetensors file. The same tensors give the same bytes: names are sorted by UTF-16 code unit, and the
 * header is padded with spaces so that the data starts at a multiple of 8.
 * @throws TypeError, RangeError for tensors that are none, and for f16 when a finite value would become infinite
 */
export function writeSafetensors(tensors: Tensors, options: SafetensorsOptions = {}): Uint8Array {
  return writeTensors(tensors, options, () => false);
}

/**
 * The same with tensors that stay f32 whatever the options say, because they are no weights but whole numbers.
 * @param isExact whether the tensor of a name is one of them
 */
export function writeTensors(
  tensors: Tensors,
  options: SafetensorsOptions,
  isExact: (name: string) => boolean,
): Uint8Array {
  const wished = oneOf(options.dtype ?? 'f32', 'dtype', ['f32', 'f16']);
  const dtypeOf = (name: string) => (isExact(name) ? 'f32' : wished);
  const header: Record<string, unknown> = Object.create(null);
  const metadata = sortMetadata(options.metadata ?? {});
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  const names = Object.keys(tensors).sort();
  let place = 0;
  for (const name of names) {
    const { shape, data } = checkWritable(name, tensors[name]!);
    const begin = place;
    place += data.length * (dtypeOf(name) === 'f16' ? 2 : 4);
    header[name] = { dtype: dtypeOf(name).toUpperCase(), shape, data_offsets: [begin, place] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new ArgumentRangeError(
      `the header would have ${length} bytes; the format allows ${maxHeaderBytes}.`,
    );
  }
  const bytes = new Uint8Array(8 + length + place);
  new DataView(bytes.buffer).setUint32(0, length, true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, 8 + length);
  let at = 8 + length;
  for (const name of names) {
    const { data } = tensors[name]!;
    const stored = dtypeOf(name) === 'f16' ? encodeFinite(name, data) : data;
    bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), at);
    at += stored.byteLength;
  }
  return bytes;
}

function sortMetadata(metadata: Record<string, string>): Record<string, string> {
  const sorted: Record<string, string> = Object.create(null);
  for (const key of Object.keys(metadata).sort()) {
    const value: unknown = metadata[key];
    if (typeof value !== 'string') {
      throw new ArgumentTypeError(`metadata ${show(key)} must be a string, got ${show(value)}.`);
    }
    if (!key.isWellFormed() || !value.isWellFormed()) {
      throw new ArgumentRangeError(
        `metadata ${show(key)} has half a surrogate pair, which UTF-8 cannot hold.`,
      );
    }
    sorted[key] = value;
  }
  return sorted;
}

function checkWritable(name: string, tensor: Tensor): Tensor {
  if (name === '__metadata__' || !name.isWellFormed()) {
    throw new ArgumentRangeError(`a tensor in a safetensors file cannot be named ${show(name)}.`);
  }
  const { shape, data } = tensor;
  if (!(data instanceof Float32Array) || !Array.isArray(shape)) {
    throw new ArgumentTypeError(
      `tensor ${show(name)} must be { shape: number[], data: Float32Array }, got ${show(tensor)}.`,
    );
  }
  const count = shape.reduce((product, size) => product * size, 1);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || count !== data.length) {
    throw new ArgumentRangeError(
      `tensor ${show(name)}: shape ${show(shape)} does not describe ${data.length} values.`,
    );
  }
  return tensor;
}

function encodeFinite(name: string, data: Float32Array): Uint16Array {
  const halves = encodeF16(data);
  for (let i = 0; i < halves.length; i++) {
    if ((halves[i]! & 0x7fff) === 0x7c00 && Number.isFinite(data[i]!)) {
      const problem = `tensor ${show(name)}: value ${data[i]} at ${i} is too large for f16, which ends at 65504`;
      throw new ArgumentRangeError(`${problem}. Write it as f32.`);
    }
  }
  return halves;
}
