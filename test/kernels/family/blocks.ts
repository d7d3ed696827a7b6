import { expect } from 'vitest';
import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import { affine, exact } from '../../oracle/bounded.js';
import { type Check, within } from '../check.js';

/** Which row of a block each of its packed rows is: the drawing in assembly/gemm/blocks.ts. */
function rowsOf(width: number): number[] {
  if (width < 8) return Array.from({ length: 8 }, (_, i) => (i < width ? i : -1));
  const panels = Math.ceil(width / 8);
  return Array.from({ length: panels * 8 }, (_, i) =>
    i < width - (width % 8) ? i : width - (panels * 8 - i),
  );
}

/** A range of panels of out [M, N·D], against each block alone; the outputs of no other panel may change. */
export const blocks_f32: Check<FamilyKernels> = (ground, draw) => {
  const [rows, blocks] = [draw.integer(1, 9), draw.integer(1, 9)];
  const width = draw.pick([1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 33]);
  const depth = draw.pick([1, 2, 3, 4, 5, 8, 9, 31]);
  const [outputs, inputs] = [blocks * width, blocks * depth];
  const order = rowsOf(width);
  const [w, bias] = [draw.values(outputs * depth), draw.values(outputs + 8)];
  const packed = new Float32Array(blocks * order.length * depth);
  for (let n = 0; n < blocks; n++)
    for (const [i, row] of order.entries())
      for (let k = 0; k < depth && row >= 0; k++)
        packed[(n * order.length + i - (i % 8)) * depth + k * 8 + (i % 8)] =
          w[(n * width + row) * depth + k]!;
  const [ldx, ldo] = [inputs + draw.integer(0, 3), outputs + draw.integer(0, 3)];
  const x = draw.values(rows * ldx);
  const out = ground.place(new Float32Array(rows * ldo).fill(7));
  const [biasAt, xAt, wAt] = [ground.place(bias), ground.place(x), ground.place(packed)];
  const panels = order.length / 8;
  const p0 = draw.integer(0, blocks * panels);
  const p1 = draw.integer(p0, blocks * panels);
  ground.kernels.blocks_f32(out, 4 * ldo, biasAt, xAt, 4 * ldx, wAt, rows, width, depth, p0, p1);
  const own = new Set<number>();
  for (let p = p0; p < p1; p++)
    for (const row of order.slice((p % panels) * 8, (p % panels) * 8 + 8))
      if (row >= 0) own.add(Math.floor(p / panels) * width + row);
  for (let r = 0; r < rows; r++) {
    const actual = ground.read(out + 4 * r * ldo, ldo);
    for (let n = 0; n < blocks; n++) {
      const weights = w.subarray(n * width * depth, (n + 1) * width * depth);
      const vector = exact(x.subarray(r * ldx + n * depth, r * ldx + (n + 1) * depth));
      const matrix = { weights, height: width, width: depth };
      const { value, error } = affine([{ matrix, vector }], [bias.subarray(n * width)]);
      const isOwn = (_: unknown, i: number) => own.has(n * width + i);
      const mine = actual.subarray(n * width, (n + 1) * width).filter(isOwn);
      within(mine, value.filter(isOwn), error.filter(isOwn));
    }
    expect(actual.filter((_, i) => !own.has(i)).every((v) => v === 7)).toBe(true);
  }
};
