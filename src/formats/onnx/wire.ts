import { FormatError } from '../../base/errors.js';

/**
 * The wire format of protocol buffers, as far as ONNX uses it. A message is its fields one after the other; a field is
 * a key (number · 8 + wire type) and then
 *
 *   0  a varint: seven bits a byte, low ones first, the eighth says that more follow
 *   1  eight bytes        5  four bytes
 *   2  a length and so many bytes: text, bytes, a message, or numbers packed together
 *
 * https://protobuf.dev/programming-guides/encoding
 */

/** One field; its bytes are [begin, end) of the file. */
export interface Field {
  number: number;
  wire: number;
  /** byte of the key */
  at: number;
  begin: number;
  end: number;
  /** of a varint, as int64: exact up to 2^53 in magnitude, and never with a wrong sign beyond */
  value: number;
}

/** Bytes [begin, end) of a file. */
export interface Span {
  bytes: Uint8Array;
  begin: number;
  end: number;
}

/** Reads fields one by one; nothing of what they hold is looked at. @throws FormatError with the byte */
export function* fieldsOf({ bytes, begin, end }: Span): Generator<Field> {
  const cursor = { at: begin };
  while (cursor.at < end) {
    const { at } = cursor;
    const key = readVarint(bytes, cursor, end);
    const wire = key % 8;
    const number = Math.floor(key / 8);
    if (!(number >= 1 && number < 2 ** 29)) throw broken(`field number ${number}`, at);
    let value = 0;
    let from = cursor.at;
    if (wire === 0) {
      value = readVarint(bytes, cursor, end);
    } else if (wire === 1 || wire === 5) {
      cursor.at += wire === 1 ? 8 : 4;
    } else if (wire === 2) {
      const length = readVarint(bytes, cursor, end);
      from = cursor.at;
      // A negative length is one that is larger than any file.
      cursor.at = length < 0 ? Number.POSITIVE_INFINITY : from + length;
    } else {
      throw broken(`wire type ${wire}`, at);
    }
    if (cursor.at > end) throw broken(`field ${number} goes on past the end of what it lies in`, at);
    yield { number, wire, at, begin: from, end: cursor.at, value };
  }
}

/** Integers that a field holds: one, or some packed together. */
export function* integersOf(bytes: Uint8Array, field: Field): Generator<number> {
  if (field.wire === 0) {
    yield field.value;
    return;
  }
  expectWire(field, 2);
  const cursor = { at: field.begin };
  while (cursor.at < field.end) yield readVarint(bytes, cursor, field.end);
}

/** @throws FormatError when a field is encoded as another type than its message says */
export function expectWire(field: Field, wire: number): void {
  if (field.wire !== wire)
    throw broken(`field ${field.number} has wire type ${field.wire} in place of ${wire}`, field.at);
}

const maxText = 4096;

/** @throws FormatError when it is no text, or a long one */
export function textOf(bytes: Uint8Array, field: Field): string {
  expectWire(field, 2);
  if (field.end - field.begin > maxText) throw broken(`a name has more than ${maxText} bytes`, field.at);
  return new TextDecoder().decode(bytes.subarray(field.begin, field.end));
}

export function floatOf(bytes: Uint8Array, field: Field): number {
  expectWire(field, 5);
  return new DataView(bytes.buffer, bytes.byteOffset + field.begin, 4).getFloat32(0, true);
}

/** Floats that a field holds: one, or some packed together. */
export function* floatsOf(bytes: Uint8Array, field: Field): Generator<number> {
  if (field.wire === 5) {
    yield floatOf(bytes, field);
    return;
  }
  expectWire(field, 2);
  const view = new DataView(bytes.buffer, bytes.byteOffset + field.begin, field.end - field.begin);
  if (view.byteLength % 4 !== 0) throw broken('a list of floats ends within one', field.at);
  for (let at = 0; at < view.byteLength; at += 4) yield view.getFloat32(at, true);
}

/** What a field of bytes holds. */
export function spanOf(bytes: Uint8Array, field: Field): Span {
  expectWire(field, 2);
  return { bytes, begin: field.begin, end: field.end };
}

export function broken(problem: string, offset: number, tensor?: string): FormatError {
  return new FormatError(`the ONNX file is broken at byte ${offset}: ${problem}.`, {
    offset,
    ...(tensor === undefined ? {} : { tensor }),
  });
}

function readVarint(bytes: Uint8Array, cursor: { at: number }, end: number): number {
  const start = cursor.at;
  let low = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (cursor.at >= end) throw broken('a number is cut off', start);
    const byte = bytes[cursor.at++]!;
    const bits = byte & 127;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high |= bits >>> 4;
    } else high |= bits << (shift - 32);
    if (byte < 128) return high * 2 ** 32 + (low >>> 0);
  }
  throw broken('a number has more than ten bytes', start);
}
