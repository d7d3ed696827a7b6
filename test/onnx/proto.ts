/**
 * The few pieces of the protocol-buffer wire format that an ONNX file needs. A message is its fields one after
 * the other; a field is a key (number and wire type), then a varint, four bytes, or a length and that many bytes.
 */

/** An integer field; negative ones take ten bytes, as int64 does. */
export function integerField(number: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(number << 3), ...varint(value)]);
}

/** A list of integers, one field each. */
export function integerFields(number: number, values: readonly number[]): Uint8Array {
  return message(values.map((value) => integerField(number, value)));
}

export function floatField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return message([Uint8Array.from(varint((number << 3) | 5)), bytes]);
}

/** A list of integers packed into one field. */
export function packedField(number: number, values: readonly number[]): Uint8Array {
  return bytesField(number, Uint8Array.from(values.flatMap((value) => varint(value))));
}

export function bytesField(number: number, value: Uint8Array): Uint8Array {
  return message([Uint8Array.from([...varint((number << 3) | 2), ...varint(value.length)]), value]);
}

export function textField(number: number, value: string): Uint8Array {
  return bytesField(number, new TextEncoder().encode(value));
}

/** A message inside a message. */
export function messageField(number: number, fields: readonly Uint8Array[]): Uint8Array {
  return bytesField(number, message(fields));
}

/** Fields one after the other. */
export function message(fields: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0));
  let at = 0;
  for (const field of fields) {
    all.set(field, at);
    at += field.length;
  }
  return all;
}

/** Seven bits a byte, low ones first; the eighth says that more follow. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}
