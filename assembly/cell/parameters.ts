import { applyFunction } from '../math/functions';
import { TABLE_END } from '../math/table';
import { madd } from '../simd/madd';

/**
 * What a layer says beyond its kind's default. Such a layer has a copy of the constants of its own, and behind it what
 * stands here, so that it comes to a kernel with the table's address. src/pack/parameters.ts writes it; these are the
 * places, in bytes:
 *
 *   clip f32 · flags u32 · apart u32 · block u32
 *   of f, g and h each: code u32, alpha f32, beta f32, 4 bytes free
 *   outputs u32 · projection u32 · skip f32 · epsilon f32
 *   zoneout f32 · zoneoutCell f32 · 8 bytes free
 *
 * Functions are called as ONNX calls them: f of the gates, g of the candidate, h of an LSTM's cell on its way out.
 */
export const CLIP = TABLE_END;
const FLAGS = TABLE_END + 4;
const APART = TABLE_END + 8;
const BLOCK = TABLE_END + 12;
export const F = TABLE_END + 16;
export const G = TABLE_END + 32;
export const H = TABLE_END + 48;
const OUTPUTS = TABLE_END + 64;
const PROJECTION = TABLE_END + 68;
const SKIP = TABLE_END + 72;
const EPSILON = TABLE_END + 76;
const ZONEOUT = TABLE_END + 80;
const ZONEOUT_CELL = TABLE_END + 84;
export const ALPHA: usize = 4;
export const BETA: usize = 8;

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

/** Bytes from an sLSTM's c to its n, and from there to its m. */
// @ts-ignore: decorator
@inline
export function apartOf(table: usize): usize {
  return load<u32>(table, APART);
}

/** D, how many units of a part read each other. */
// @ts-ignore: decorator
@inline
export function blockOf(table: usize): usize {
  return load<u32>(table, BLOCK);
}

/** P, to how many features an LSTM projects its output. */
// @ts-ignore: decorator
@inline
export function outputsOf(table: usize): usize {
  return load<u32>(table, OUTPUTS);
}

/** Address of the weights that do it, panels [⌈P/8⌉][H][8], and behind them zeros [⌈P/8⌉·8]. */
// @ts-ignore: decorator
@inline
export function projectionOf(table: usize): usize {
  return load<u32>(table, PROJECTION);
}

/** What an SRU's input is multiplied by on its way past the cell. */
// @ts-ignore: decorator
@inline
export function skipOf(table: usize): v128 {
  return v128.load32_splat(table, SKIP);
}

/** What keeps a normalisation from dividing by 0. */
// @ts-ignore: decorator
@inline
export function epsilonOf(table: usize): f64 {
  return <f64>load<f32>(table, EPSILON);
}

/** How much of h before a step is in h after it. */
// @ts-ignore: decorator
@inline
export function zoneoutOf(table: usize): f32 {
  return load<f32>(table, ZONEOUT);
}

/** The same of an LSTM's c. */
// @ts-ignore: decorator
@inline
export function zoneoutCellOf(table: usize): f32 {
  return load<f32>(table, ZONEOUT_CELL);
}

/** rate · before + (1 − rate) · after; after as it is where rate is 0, whatever was before. */
// @ts-ignore: decorator
@inline
export function keep(rate: f32, before: v128, after: v128): v128 {
  return rate == 0 ? after : madd(f32x4.splat(rate), f32x4.sub(before, after), after);
}
