import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { decodeBf16, decodeF16 } from '../half.js';
import { broken, expectWire, fieldsOf, integersOf, type Span, spanOf, textOf } from './wire.js';

/** A TensorProto whose values have not been read yet. */
export interface TensorInfo {
  name: string;
  dims: number[];
  /** TensorProto.DataType */
  type: number;
  /** product of the dims */
  count: number;
  span: Span;
  /** where its values are, when they are in another file; the bytes of that file, when they are at hand */
  outside: { location: string; offset: number; length: number; bytes?: Uint8Array | undefined } | undefined;
}

/** TensorProto.DataType, of those that are read: name, bytes in raw_data, and the field of the typed values. */
const types = new Map<number, { name: string; bytes: number; field: number }>([
  [1, { name: 'float32', bytes: 4, field: 4 }],
  [6, { name: 'int32', bytes: 4, field: 5 }],
  [7, { name: 'int64', bytes: 8, field: 7 }],
  [10, { name: 'float16', bytes: 2, field: 5 }],
  [11, { name: 'double', bytes: 8, field: 10 }],
  [16, { name: 'bfloat16', bytes: 2, field: 5 }],
]);

const maxRank = 16;
const maxCount = 2 ** 31;

/** Reads what a tensor is, without its values. @throws FormatError when its sizes are none */
export function readTensorInfo(span: Span): TensorInfo {
  const { bytes, begin } = span;
  const tensor: TensorInfo = { name: '', dims: [], type: 0, count: 1, span, outside: undefined };
  const entries = new Map<string, string>();
  let isOutside = false;
  for (const field of fieldsOf(span)) {
    if (field.number === 8) tensor.name = textOf(bytes, field);
    if (field.number === 2) tensor.type = field.value;
    if (field.number === 13 && entries.size < 16) readEntry(spanOf(bytes, field), entries);
    if (field.number === 14) isOutside = field.value === 1;
    if (field.number !== 1) continue;
    for (const size of integersOf(bytes, field)) {
      if (tensor.dims.length === maxRank) throw broken(`a tensor has more than ${maxRank} axes`, field.at);
      if (size < 0) throw broken(`a tensor has an axis of ${size}`, field.at);
      tensor.dims.push(size);
    }
  }
  if (isOutside) {
    tensor.outside = {
      location: entries.get('location') ?? '',
      offset: Number(entries.get('offset') ?? 0),
      length: Number(entries.get('length') ?? Number.NaN),
    };
  }
  tensor.count = tensor.dims.reduce((product, size) => product * size, 1);
  if (!(tensor.count <= maxCount)) throw broken('a tensor has too many values', begin, tensor.name);
  return tensor;
}

export function isInteger({ type }: TensorInfo): boolean {
  return type === 6 || type === 7;
}

/**
 * The values of a tensor, rounded to f32 when they are doubles. Nothing is allocated that the file has no bytes for.
 * @throws FormatError when they are fewer or more than its dims say; UnsupportedError for data in another file and for
 *   other types
 */
export function readValues(tensor: TensorInfo): Float32Array {
  const bits = readBits(tensor);
  if (bits instanceof Uint16Array) return tensor.type === 10 ? decodeF16(bits) : decodeBf16(bits);
  return bits instanceof Float32Array ? bits : Float32Array.from(bits);
}

/** Most values of a tensor that are taken for sizes or places of axes. */
const maxNumbers = 64;

/** The values of a small tensor as numbers. */
export function readNumbers(tensor: TensorInfo): number[] {
  if (tensor.count > maxNumbers) {
    throw new UnsupportedError(`tensor ${show(tensor.name)} has too many values for a shape.`, 'onnx shape');
  }
  return [...(isInteger(tensor) ? readBits(tensor) : readValues(tensor))];
}

type Bits = Float32Array | Float64Array | Uint16Array;

function readBits(tensor: TensorInfo): Bits {
  const { span, name, count } = tensor;
  const { bytes } = span;
  const type = types.get(tensor.type);
  let raw: Span | undefined;
  for (const field of fieldsOf(span)) if (field.number === 9) raw = spanOf(bytes, field);
  if (tensor.outside !== undefined) raw = spanOutside(tensor, tensor.outside);
  if (type === undefined) {
    throw new UnsupportedError(
      `tensor ${show(name)} is of the ONNX type ${tensor.type}; float32, float16, bfloat16, double, int32 and int64 ` +
        'are read.',
      `onnx type ${tensor.type}`,
    );
  }
  const { begin, end } = raw ?? span;
  if (count > end - begin)
    throw broken(`tensor ${show(name)} has ${count} values in ${end - begin} bytes`, span.begin, name);
  const values: Bits =
    type.bytes === 2
      ? new Uint16Array(count)
      : tensor.type === 1
        ? new Float32Array(count)
        : new Float64Array(count);
  if (raw !== undefined) {
    const length = end - begin;
    if (length !== count * type.bytes)
      throw broken(
        `tensor ${show(name)} needs ${count * type.bytes} bytes, it has ${length}`,
        span.begin,
        name,
      );
    fill(values, new DataView(raw.bytes.buffer, raw.bytes.byteOffset + begin, length), tensor.type);
    return values;
  }
  let filled = 0;
  for (const field of fieldsOf(span)) {
    if (field.number !== type.field) continue;
    if (type.field === 5 || type.field === 7) {
      for (const value of integersOf(bytes, field)) values[filled++] = value;
      continue;
    }
    if (field.wire !== 2) expectWire(field, type.bytes === 4 ? 5 : 1);
    const view = new DataView(bytes.buffer, bytes.byteOffset + field.begin, field.end - field.begin);
    if (view.byteLength % type.bytes !== 0)
      throw broken(`tensor ${show(name)} ends within a value`, field.at, name);
    for (let at = 0; at < view.byteLength; at += type.bytes)
      values[filled++] = type.bytes === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
  }
  if (filled !== count)
    throw broken(`tensor ${show(name)} needs ${count} values, it has ${filled}`, span.begin, name);
  return values;
}

function fill(values: Bits, view: DataView, type: number): void {
  for (let i = 0; i < values.length; i++) {
    if (type === 1) values[i] = view.getFloat32(4 * i, true);
    else if (type === 6) values[i] = view.getInt32(4 * i, true);
    else if (type === 7) values[i] = view.getInt32(8 * i + 4, true) * 2 ** 32 + view.getUint32(8 * i, true);
    else if (type === 11) values[i] = view.getFloat64(8 * i, true);
    else values[i] = view.getUint16(2 * i, true);
  }
}

/** The bytes of a tensor in another file. @throws UnsupportedError when that is not at hand */
function spanOutside({ name, span }: TensorInfo, outside: NonNullable<TensorInfo['outside']>): Span {
  const { location, offset, length, bytes } = outside;
  if (bytes === undefined) {
    throw new UnsupportedError(
      `tensor ${show(name)} lies in another file, ${show(location)}; load the model by its path, or save it with its ` +
        'data inside (onnx.save(model, path) after onnx.load).',
      'onnx external data',
    );
  }
  const end = Number.isNaN(length) ? bytes.length : offset + length;
  if (
    !(
      Number.isInteger(offset) &&
      Number.isInteger(end) &&
      offset >= 0 &&
      offset <= end &&
      end <= bytes.length
    )
  )
    throw broken(`tensor ${show(name)} is said to lie outside of ${show(location)}`, span.begin, name);
  return { bytes, begin: offset, end };
}

/** An entry of external_data. */
function readEntry(span: Span, entries: Map<string, string>): void {
  let key = '';
  let value = '';
  for (const field of fieldsOf(span)) {
    if (field.number === 1) key = textOf(span.bytes, field);
    if (field.number === 2) value = textOf(span.bytes, field);
  }
  entries.set(key, value);
}
