import { expect } from 'vitest';
import type { KernelSet } from '#dist/wasm/features.js';
import type { KernelName } from '#dist/wasm/registry.js';
import { gamma, UNDERFLOW } from '../oracle/tolerance.js';
import { type Check, type Draw, within } from './check.js';
import type { Ground } from './ground.js';

/** W [rows, K] as panels of eight rows: the drawing in assembly/gemm/tile.ts, made the plain way. */
function toPanels(w: Float32Array, rows: number, depth: number): Float32Array {
  const packed = new Float32Array(w.length);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < depth; k++) {
      packed[(row - (row % 8)) * depth + k * 8 + (row % 8)] = w[row * depth + k]!;
    }
  }
  return packed;
}

interface Product {
  rows: number;
  depth: number;
  panels: number;
  x: Float32Array;
  w: Float32Array;
  init: Float32Array;
  /** whether one row of init serves all rows */
  shared: boolean;
}

/** @param step what K is a multiple of */
function drawProduct(draw: Draw, rows: number, panels: number, shared: boolean, step = 1): Product {
  // Also around 128, from where an odd K is worth two calls.
  const depth = step * draw.pick([0, 1, 2, 3, 7, 8, 9, 31, 64, 100, 127, 129]);
  return {
    rows,
    depth,
    panels,
    x: draw.values(rows * depth),
    w: draw.values(8 * panels * depth),
    init: draw.values((shared ? 1 : rows) * 8 * panels),
    shared,
  };
}

/** out = init + x Wᵀ in f64, with what an f32 sum of K + 1 terms may be off; and exactly what adding in order gives. */
function expectProduct(
  set: KernelSet,
  { rows, depth, panels, x, w, init, shared }: Product,
  actual: Float32Array,
) {
  const width = 8 * panels;
  const expected = new Float64Array(rows * width);
  const bound = new Float64Array(rows * width);
  const inOrder = new Float32Array(rows * width);
  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < width; n++) {
      const at = m * width + n;
      const from = init[shared ? n : at]!;
      let sum = from;
      let magnitude = Math.abs(from);
      let rounded = from;
      for (let k = 0; k < depth; k++) {
        const product = x[m * depth + k]! * w[n * depth + k]!;
        sum += product;
        magnitude += Math.abs(product);
        rounded = Math.fround(rounded + Math.fround(product));
      }
      expected[at] = sum;
      bound[at] = gamma(depth + 1) * magnitude + (depth + 1) * UNDERFLOW;
      inOrder[at] = rounded;
    }
  }
  within(actual, expected, bound);
  // Law 5 rests on this: every tile adds the products in the same order, so a plain sum is the same to the bit.
  if (set === 'simd') expect(actual).toEqual(inOrder);
}

/** Runs a kernel over padded rows, so that strides matter, into a place of its own or over init. */
function runProduct(
  ground: Ground,
  draw: Draw,
  product: Product,
  call: (out: number, ldo: number, init: number, ldi: number, x: number, ldx: number, w: number) => void,
): Float32Array {
  const { rows, depth, panels, shared } = product;
  const width = 8 * panels;
  const strided = (values: Float32Array, columns: number, stride: number, height = rows) => {
    const wide = new Float32Array(height * stride);
    for (let m = 0; m < height; m++) wide.set(values.subarray(m * columns, (m + 1) * columns), m * stride);
    return wide;
  };
  const pad = draw.pick([0, 4, 12]);
  const xAt = ground.place(strided(product.x, depth, depth + pad));
  const wAt = ground.place(toPanels(product.w, width, depth));
  const initAt = ground.place(strided(product.init, width, width + pad, shared ? 1 : rows));
  const inPlace = !shared && draw.pick([true, false]);
  const outAt = inPlace ? initAt : ground.room(rows * (width + pad));
  const ldo = 4 * (width + pad);
  call(outAt, ldo, initAt, shared ? 0 : ldo, xAt, 4 * (depth + pad), wAt);
  const actual = new Float32Array(rows * width);
  for (let m = 0; m < rows; m++) actual.set(ground.read(outAt + m * ldo, width), m * width);
  return actual;
}

function checkTile(name: KernelName, rows: number, step = 1): Check {
  return (ground, draw, set) => {
    const product = drawProduct(draw, rows, 1, draw.pick([true, false]), step);
    const actual = runProduct(ground, draw, product, (out, ldo, init, ldi, x, ldx, w) =>
      ground.kernels[name](out, ldo, init, ldi, x, ldx, w, product.depth),
    );
    expectProduct(set, product, actual);
  };
}

/** A kernel over one row of x. */
function checkRow(
  panelsOf: (draw: Draw) => number,
  run: (ground: Ground, product: Product, at: number[]) => void,
): Check {
  return (ground, draw, set) => {
    const product = drawProduct(draw, 1, panelsOf(draw), false);
    const actual = runProduct(ground, draw, product, (out, _ldo, init, _ldi, x, _ldx, w) =>
      run(ground, product, [out, init, x, w]),
    );
    expectProduct(set, product, actual);
  };
}

export const productChecks = {
  gemm_f32_1x8: checkRow(
    () => 1,
    ({ kernels }, { depth }, at) => kernels.gemm_f32_1x8(...at, depth),
  ),
  gemm_f32_1x48: checkRow(
    () => 6,
    ({ kernels }, { depth }, at) => kernels.gemm_f32_1x48(...at, 32 * depth, depth),
  ),
  gemm_f32_1x32: checkRow(
    () => 4,
    ({ kernels }, { depth }, at) => kernels.gemm_f32_1x32(...at, 32 * depth, depth),
  ),
  gemm_f32_2x16: ((ground, draw, set) => {
    const product = drawProduct(draw, 2, 2, draw.pick([true, false]));
    const actual = runProduct(ground, draw, product, (...at) =>
      ground.kernels.gemm_f32_2x16(...at, 32 * product.depth, product.depth),
    );
    expectProduct(set, product, actual);
  }) as Check,
  gemm_f32_2x8: checkTile('gemm_f32_2x8', 2),
  gemm_f32_4x8: checkTile('gemm_f32_4x8', 4),
  gemm_f32_4x8x2: checkTile('gemm_f32_4x8x2', 4, 2),
  gemm_f32_6x8: checkTile('gemm_f32_6x8', 6),
  gemv_f32: checkRow(
    (draw) => draw.integer(0, 19),
    ({ kernels }, { depth, panels }, at) => kernels.gemv_f32(...at, depth, panels),
  ),
  gemm_f32: ((ground, draw, set) => {
    const product = drawProduct(draw, draw.integer(1, 20), draw.integer(0, 5), draw.pick([true, false]));
    const actual = runProduct(ground, draw, product, (...at) =>
      ground.kernels.gemm_f32(...at, product.rows, product.depth, product.panels),
    );
    expectProduct(set, product, actual);
  }) as Check,
  windows_f32: ((ground, draw, set) => {
    const product = drawProduct(draw, draw.integer(1, 9), draw.integer(0, 6), draw.pick([true, false]));
    const { rows, depth, panels } = product;
    const beside = draw.integer(0, 9);
    const x = draw.values(rows * (depth + beside));
    // Panels that read the same stand together, or do not.
    const windows = Array.from({ length: panels }, () => draw.pick([0, beside, draw.integer(0, beside)]));
    const at = [ground.place(x), 4 * (depth + beside), ground.placeIntegers(windows.map((from) => 4 * from))];
    const actual = runProduct(ground, draw, product, (out, ldo, init, ldi, _x, _ldx, w) =>
      ground.kernels.windows_f32(out, ldo, init, ldi, ...at, w, rows, depth, panels),
    );
    const columns = (values: Float32Array, of: number, from: number, count: number) =>
      values.filter((_, i) => i % of >= from && i % of < from + count);
    for (const [p, from] of windows.entries()) {
      const own = {
        ...{ ...product, panels: 1, x: columns(x, depth + beside, from, depth) },
        w: product.w.subarray(8 * p * depth, 8 * (p + 1) * depth),
        init: columns(product.init, 8 * panels, 8 * p, 8),
      };
      expectProduct(set, own, columns(actual, 8 * panels, 8 * p, 8));
    }
  }) as Check,
  pack_f32: ((ground, draw) => {
    const [rows, depth, lane] = [draw.integer(1, 4), draw.integer(0, 11), draw.pick([0, 4])];
    const x = draw.values(rows * (depth + 1));
    const panel = draw.values(8 * depth);
    const out = ground.place(panel);
    ground.kernels.pack_f32(out + 4 * lane, ground.place(x), 4 * (depth + 1), rows, depth);
    const expected = panel.map((value, i) => {
      const r = (i % 8) - lane;
      return r >= 0 && r < rows ? x[r * (depth + 1) + Math.floor(i / 8)]! : value;
    });
    expect(ground.read(out, panel.length)).toEqual(expected);
  }) as Check,
  diagonal_f32: ((ground, draw) => {
    const groups = draw.integer(0, 5);
    const gates = draw.integer(1, 4);
    const count = groups * gates * 4;
    const [init, w, h] = [draw.values(count), draw.values(count), draw.values(groups * 4)];
    const initAt = ground.place(init);
    const outAt = draw.pick([initAt, ground.room(count)]);
    ground.kernels.diagonal_f32(outAt, initAt, ground.place(h), ground.place(w), groups, gates);
    const products = w.map((value, i) => value * h[Math.floor(i / (4 * gates)) * 4 + (i % 4)]!);
    within(
      ground.read(outAt, count),
      Float64Array.from(init, (value, i) => value + w[i]! * h[Math.floor(i / (4 * gates)) * 4 + (i % 4)]!),
      Float64Array.from(
        init,
        (value, i) => gamma(2) * (Math.abs(value) + Math.abs(products[i]!)) + UNDERFLOW,
      ),
    );
  }) as Check,
};
