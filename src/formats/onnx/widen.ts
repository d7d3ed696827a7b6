/**
 * Rows that read one of M blocks of inputs as rows [·, I] that read all of them, with zeros: there is no plainer way to say
 * blocks of inputs in ONNX.
 * @param data [·, I/M]
 * @param width I/M
 * @param blocks M
 * @param blockOf which block a row reads
 */
export function widen(
  data: Float32Array,
  width: number,
  blocks: number,
  blockOf: (row: number) => number,
): Float32Array {
  if (blocks === 1) return data;
  const wide = new Float32Array(data.length * blocks);
  for (let row = 0; row < data.length / width; row++)
    wide.set(data.subarray(row * width, (row + 1) * width), (row * blocks + blockOf(row)) * width);
  return wide;
}
