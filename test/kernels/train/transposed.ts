import { expect } from 'vitest';
import type { KernelSet } from '#dist/wasm/features.js';
import type { TrainKernelName } from '#dist/wasm/train-registry.js';
import { gamma, UNDERFLOW } from '../../oracle/tolerance.js';
import { type Draw, within } from '../check.js';
import { placeRows, readRows, type TrainCheck } from './rows.js';

interface Product {
  depth: number;
  rows: number;
  width: number;
  /** [depth, rows] */
  a: Float32Array;
  /** [depth, width] */
  x: Float32Array;
  /** [rows, ⌈width/8⌉·8] */
  before: Float32Array;
}

function drawProduct(draw: Draw, depth: number, rows: number, width: number): Product {
  const padded = Math.ceil(width / 8) * 8;
  const a = draw.values(depth * rows);
  return { depth, rows, width, a, x: draw.values(depth * width), before: draw.values(rows * padded) };
}

/** out + aᵀ x in f64, with what an f32 sum of depth + 1 terms may be off; and exactly what adding in order gives. */
function expectProduct(set: KernelSet, product: Product, actual: Float32Array): void {
  const { depth, rows, width, a, x, before } = product;
  const padded = Math.ceil(width / 8) * 8;
  const expected = Float64Array.from(before);
  const bound = new Float64Array(before.length);
  const inOrder = before.slice();
  for (let n = 0; n < rows; n++) {
    for (let k = 0; k < width; k++) {
      const at = n * padded + k;
      let magnitude = Math.abs(before[at]!);
      for (let m = 0; m < depth; m++) {
        const term = a[m * rows + n]! * x[m * width + k]!;
        expected[at]! += term;
        magnitude += Math.abs(term);
        inOrder[at] = inOrder[at]! + Math.fround(term);
      }
      bound[at] = gamma(depth + 1) * magnitude + (depth + 1) * UNDERFLOW;
    }
  }
  within(actual, expected, bound);
  if (set === 'simd') expect(actual).toEqual(inOrder);
}

function checkTile(name: TrainKernelName, rows: number): TrainCheck {
  return (ground, draw, set) => {
    const product = drawProduct(draw, draw.pick([0, 1, 2, 3, 31, 64]), rows, 8);
    const out = placeRows(ground, draw, product.before, rows, 8);
    const strides = rows === 1 ? [] : [out.ld];
    const operands = [ground.place(product.a), ground.place(product.x)];
    ground.kernels[name](out.at, ...strides, ...operands, product.depth);
    expectProduct(set, product, readRows(ground, out, 8));
  };
}

export const transposedChecks = {
  gemm_tn_f32_1x8: checkTile('gemm_tn_f32_1x8', 1),
  gemm_tn_f32_2x8: checkTile('gemm_tn_f32_2x8', 2),
  gemm_tn_f32_4x8: checkTile('gemm_tn_f32_4x8', 4),
  gemm_tn_f32_6x8: checkTile('gemm_tn_f32_6x8', 6),
  gemm_tn_f32: ((ground, draw, set) => {
    // Some with several chunks, and those with one small side.
    const depth = draw.pick([0, 1, 2, 3, 5, 31, 64, 255, 256, 257, 515]);
    const rows = draw.integer(1, depth > 64 ? 9 : 30);
    const width = draw.integer(1, depth > 64 ? 9 : 30);
    const padded = Math.ceil(width / 8) * 8;
    const product = drawProduct(draw, depth, rows, width);
    const out = placeRows(ground, draw, product.before, rows, 8);
    const a = placeRows(ground, draw, product.a, depth, 1);
    const x = placeRows(ground, draw, product.x, depth, 1);
    const scratch = ground.room(256 * (rows + padded));
    const run = (at: number, n0: number, n1: number, k0: number, k1: number) =>
      ground.kernels.gemm_tn_f32(
        at + n0 * out.ld + 4 * k0,
        out.ld,
        a.at + 4 * n0,
        a.ld,
        x.at + 4 * k0,
        x.ld,
        scratch,
        depth,
        n1 - n0,
        k1 - k0,
      );
    run(out.at, 0, rows, 0, width);
    const whole = readRows(ground, out, padded);
    expectProduct(set, product, whole);

    // The same in four pieces, to the bit: law 5.
    const again = placeRows(ground, draw, product.before, rows, 8);
    again.ld = out.ld;
    again.at = ground.place(new Float32Array((rows * out.ld) / 4));
    for (let n = 0; n < rows; n++) {
      ground.f32.set(product.before.subarray(n * padded, (n + 1) * padded), (again.at + n * out.ld) / 4);
    }
    const [n, k] = [draw.integer(0, rows), 8 * draw.integer(0, Math.floor(width / 8))];
    for (const [n0, n1] of [
      [0, n],
      [n, rows],
    ] as const) {
      for (const [k0, k1] of [
        [0, k],
        [k, width],
      ] as const) {
        if (n1 > n0 && k1 > k0) run(again.at, n0, n1, k0, k1);
      }
    }
    for (let row = 0; row < rows; row++) {
      const values = ground.read(again.at + row * out.ld, padded);
      expect(values).toEqual(whole.subarray(row * padded, (row + 1) * padded));
    }
  }) as TrainCheck,
};
