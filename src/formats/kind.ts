import { FormatError } from '../base/errors.js';
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

/** Whether bytes begin as one of RNNoise's two formats does. */
export function isRnnoise(bytes: Uint8Array): boolean {
  return ['rnnoise-nu model file version ', 'DNNw'].some((head) =>
    [...head].every((letter, i) => bytes[i] === letter.charCodeAt(0)),
  );
}

/** @throws FormatError for what is no RNNoise model, where somebody says that it is one */
export function expectRnnoise(bytes: Uint8Array): void {
  if (isRnnoise(bytes)) return;
  const problem = 'an RNNoise model begins with "rnnoise-nu model file version" or "DNNw"';
  throw new FormatError(`${problem}, this file does not.`, { offset: 0 });
}
