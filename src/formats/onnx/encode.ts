/**
 * Writing the wire format of protocol buffers, as far as ONNX uses it (wire.ts has it drawn). A message in the making is
 * a list of pieces with their length, so that weights are copied once, when all is written.
 */
export interface Message {
  pieces: Uint8Array[];
  length: number;
}

/** Fields one after the other. */
export function messageOf(fields: readonly Message[]): Message {
  return {
    pieces: fields.flatMap(({ pieces }) => pieces),
    length: fields.reduce((sum, { length }) => sum + length, 0),
  };
}

/** An int64, exact up to 2^53 in magnitude. */
export function integerField(number: number, value: number): Message {
  return pieceOf(Uint8Array.from([...varint(8 * number), ...varint(value)]));
}

export function floatField(number: number, value: number): Message {
  const key = varint(8 * number + 5);
  const bytes = new Uint8Array(key.length + 4);
  bytes.set(key);
  new DataView(bytes.buffer).setFloat32(key.length, value, true);
  return pieceOf(bytes);
}

export function bytesField(number: number, value: Uint8Array): Message {
  return messageField(number, [pieceOf(value)]);
}

export function textField(number: number, value: string): Message {
  return bytesField(number, new TextEncoder().encode(value));
}

/** A message within a message. */
export function messageField(number: number, fields: readonly Message[]): Message {
  const { pieces, length } = messageOf(fields);
  const head = Uint8Array.from([...varint(8 * number + 2), ...varint(length)]);
  return { pieces: [head, ...pieces], length: head.length + length };
}

/** All bytes of a message. */
export function bytesOfMessage({ pieces, length }: Message): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function pieceOf(bytes: Uint8Array): Message {
  return { pieces: [bytes], length: bytes.length };
}

/** Seven bits a byte, low ones first; a negative number is its two's complement in 64 bits. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}
