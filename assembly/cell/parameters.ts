import { applyFunction } from '../math/functions';
import { TABLE_END } from '../math/table';

/**
 * What a layer says beyond its kind's default. Such a layer has a copy of the constants of its own, and behind it what
 * stands here, so that it comes to a kernel with the table's address. src/pack/parameters.ts writes it; these are the
 * places, in bytes:
 *
 *   clip f32 · flags u32 · 8 bytes free · of f, g and h each: code u32, alpha f32, beta f32, 4 bytes free
 *
 * Functions are called as ONNX calls them: f of the gates, g of the candidate, h of an LSTM's cell on its way out.
 */
const CLIP = TABLE_END;
const FLAGS = TABLE_END + 4;
const F = TABLE_END + 16;
const G = TABLE_END + 32;
const H = TABLE_END + 48;
const ALPHA: usize = 4;
const BETA: usize = 8;

const COUPLED: u32 = 1;
const PEEPHOLES: u32 = 2;

/** Whether the forget gate is one minus the input gate. */
// @ts-ignore: decorator
@inline
export function isCoupled(table: usize): bool {
  return (load<u32>(table, FLAGS) & COUPLED) != 0;
}

/** Whether gates see the cell. */
// @ts-ignore: decorator
@inline
export function hasPeepholes(table: usize): bool {
  return (load<u32>(table, FLAGS) & PEEPHOLES) != 0;
}

/** x limited to ±clip, which is infinite where the layer has none; NaN stays NaN. */
// @ts-ignore: decorator
@inline
function limit(x: v128, table: usize): v128 {
  const most = v128.load32_splat(table, CLIP);
  return f32x4.pmax(f32x4.pmin(x, most), f32x4.neg(most));
}

/** f(x), x limited before. */
// @ts-ignore: decorator
@inline
export function gate(x: v128, table: usize): v128 {
  return applyFunction(load<u32>(table, F), limit(x, table), load<f32>(table, F + ALPHA), load<f32>(table, F + BETA), table);
}

/** g(x), x limited before. */
// @ts-ignore: decorator
@inline
export function candidate(x: v128, table: usize): v128 {
  return applyFunction(load<u32>(table, G), limit(x, table), load<f32>(table, G + ALPHA), load<f32>(table, G + BETA), table);
}

/** h(x), x as it is. */
// @ts-ignore: decorator
@inline
export function outward(x: v128, table: usize): v128 {
  return applyFunction(load<u32>(table, H), x, load<f32>(table, H + ALPHA), load<f32>(table, H + BETA), table);
}
