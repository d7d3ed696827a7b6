import { headerLength, maxHeaderBytes } from './header.js';

/**
 * Whether bytes look like those of an ONNX file: a protobuf that begins with field 1, ir_version, a small number, and
 * goes on with another field of a ModelProto. The JSON of a safetensors file, whose length may look the same, decides.
 * @param bytes the first ones, at least 9
 */
export function isOnnx(bytes: Uint8Array): boolean {
  const [first, second = 0, third = 0] = bytes;
  if (headerLength(bytes) <= maxHeaderBytes && bytes[8] === 0x7b) return false;
  const field = third >> 3;
  const isText = (third & 7) === 2 && third < 128;
  // model_version, field 5, is the only number among those that follow.
  return (
    first === 8 &&
    second > 0 &&
    second < 128 &&
    ((isText && field > 1 && field < 16 && field !== 5) || third === 40)
  );
}
