import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { decodeBf16, decodeF16 } from '../half.js';
import { broken, expectWire, type Field, fieldsOf, integersOf, type Span, spanOf, textOf } from './wire.js';

/** A TensorProto whose values have not been read yet. */
export interface TensorInfo {
  name: string;
  dims: number[];
  /** TensorProto.DataType */
  type: number;
  /** product of the dims */
  count: number;
  span: Span;
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
  const tensor: TensorInfo = { name: '', dims: [], type: 0, count: 1, span };
  for (const field of fieldsOf(span)) {
    if (field.number === 8) tensor.name = textOf(bytes, field);
    if (field.number === 2) tensor.type = field.value;
    if (field.number !== 1) continue;
    for (const size of integersOf(bytes, field)) {
      if (tensor.dims.length === maxRank) throw broken(`a tensor has more than ${maxRank} axes`, field.at);
      if (size < 0) throw broken(`a tensor has an axis of ${size}`, field.at);
      tensor.dims.push(size);
    }
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
  let raw: Field | undefined;
  let location: string | undefined;
  let isExternal = false;
  for (const field of fieldsOf(span)) {
    if (field.number === 9) raw = field;
    if (field.number === 13) location = readLocation(spanOf(bytes, field)) ?? location;
    if (field.number === 14) isExternal = field.value === 1;
  }
  if (isExternal) {
    throw new UnsupportedError(
      `tensor ${show(name)} lies in another file${location === undefined ? '' : `, ${show(location)}`}; save the ` +
        'model with its data inside (onnx.save(model, path) after onnx.load).',
      'onnx external data',
    );
  }
  if (type === undefined) {
    throw new UnsupportedError(
      `tensor ${show(name)} is of the ONNX type ${tensor.type}; float32, float16, bfloat16, double, int32 and int64 ` +
        'are read.',
      `onnx type ${tensor.type}`,
    );
  }
  const available = span.end - span.begin;
  if (count > available)
    throw broken(`tensor ${show(name)} has ${count} values in ${available} bytes`, span.begin, name);
  const values: Bits =
    type.bytes === 2
      ? new Uint16Array(count)
      : tensor.type === 1
        ? new Float32Array(count)
        : new Float64Array(count);
  if (raw !== undefined) {
    expectWire(raw, 2);
    const length = raw.end - raw.begin;
    if (length !== count * type.bytes) {
      throw broken(`tensor ${show(name)} needs ${count * type.bytes} bytes, it has ${length}`, raw.at, name);
    }
    fill(values, new DataView(bytes.buffer, bytes.byteOffset + raw.begin, length), tensor.type);
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

function readLocation(span: Span): string | undefined {
  let key = '';
  let value = '';
  for (const field of fieldsOf(span)) {
    if (field.number === 1) key = textOf(span.bytes, field);
    if (field.number === 2) value = textOf(span.bytes, field);
  }
  return key === 'location' ? value : undefined;
}
