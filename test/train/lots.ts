/** What a training draws: pure functions of a seed, a step, a layer, a row t · B + b and a column. */

/** The kernels' hash (assembly/grad/draw.ts): a 32-bit mixing function, with something added in its midst. */
function mix(value: number, more = 0): number {
  let v = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  v = Math.imul(((v ^ (v >>> 15)) + more) | 0, 0x846ca68b);
  return (v ^ (v >>> 16)) >>> 0;
}

/** 32 bits for an element. */
export function lotOf(seed: number, row: number, column: number): number {
  const key = mix((mix(seed) + row) | 0);
  return mix((key + Math.imul(0x9e3779b9, column)) | 0, mix(key));
}

/** The trainer's seed of a step, and out of it that of one use in a layer. */
export function lotSeed(
  seed: number,
  step: number,
  layer: number,
  use: 'dropout' | 'zoneout' | 'zoneoutCell',
): number {
  const own = (Math.imul(seed, 0x85ebca6b) + Math.imul(step + 1, 0xc2b2ae35)) >>> 0;
  const apart = { dropout: 0, zoneout: 2 ** 30, zoneoutCell: 2 ** 31 }[use];
  return (own + Math.imul(layer + 1 + apart, 0x9e3779b9)) >>> 0;
}
