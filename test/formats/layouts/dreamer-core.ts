import type { Tensors } from '#dist/model/tensors.js';
import { type Random, randomValues } from '../../oracle/random.js';

/** Sizes of a core: deter in N blocks, units of the embeddings, and how many hidden layers. */
export interface CoreSizes {
  blocks: number;
  deter: number;
  hidden: number;
  stoch: number;
  action: number;
  layers: number;
}

/** Parameters of a core under their names, kernels uniform within 1/√inputs; multiples of 2⁻¹⁰, which floats hold. */
export function drawCore(
  random: Random,
  { blocks, deter, hidden, stoch, action, layers }: CoreSizes,
): Tensors {
  const params: Tensors = {};
  const add = (name: string, shape: number[], scale: number, shift = 0) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = randomValues(random, count, scale).map((v) => Math.round((v + shift) * 1024) / 1024);
    params[`dyn/${name}`] = { shape, data };
  };
  const addLayer = (name: string, shape: number[], outputs: number) => {
    add(`${name}/kernel`, shape, 1 / Math.sqrt(shape.at(-2)!));
    add(`${name}/bias`, [outputs], 0.5);
    if (name !== 'dyngru') add(`${name}norm/scale`, [outputs], 0.5, 1);
  };
  const width = deter / blocks;
  for (const [k, size] of [deter, stoch, action].entries()) addLayer(`dynin${k}`, [size, hidden], hidden);
  for (let k = 0; k < layers; k++)
    addLayer(`dynhid${k}`, [blocks, width + (k === 0 ? 3 * hidden : 0), width], deter);
  addLayer('dyngru', [blocks, width, 3 * width], 3 * deter);
  return params;
}

/**
 * The core in f64, written down from danijar/dreamerv3, dreamerv3/rssm.py (`_core`, and the reset of `_observe`), for one
 * stream. Nothing of it knows how the package makes layers of it.
 * @param rows per step stoch, action and is_first
 * @returns deter of every step
 */
export function runCore(
  params: Tensors,
  { blocks, deter: size, stoch: stochs, layers }: CoreSizes,
  rows: readonly (readonly number[])[],
): number[][] {
  const width = size / blocks;
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const of = (name: string) => params[`dyn/${name}`]!.data;
  const cut = (v: readonly number[], n: number, each: number) => v.slice(n * each, (n + 1) * each);
  /** x [I] times block n of kernel [N, I, O], plus the block's bias */
  const affine = (name: string, x: readonly number[], n: number, outputs: number) =>
    Array.from({ length: outputs }, (_, o) =>
      x.reduce(
        (sum, v, i) => sum + v * of(`${name}/kernel`)[(n * x.length + i) * outputs + o]!,
        of(`${name}/bias`)[n * outputs + o]!,
      ),
    );
  const norm = (name: string, x: readonly number[]) => {
    const square = x.reduce((sum, v) => sum + v * v, 0) / x.length;
    const scaled = x.map((v, i) => (v / Math.sqrt(square + 1e-4)) * of(`${name}norm/scale`)[i]!);
    return scaled.map((v) => v * sigmoid(v));
  };
  const each = Array.from({ length: blocks }, (_, n) => n);
  let deter = new Array<number>(size).fill(0);
  return rows.map((row) => {
    const keep = 1 - row.at(-1)!;
    const [before, stoch, action] = [deter, row.slice(0, stochs), row.slice(stochs, -1)].map((v) =>
      v.map((one) => keep * one),
    ) as [number[], number[], number[]];
    const limited = action.map((v) => v / Math.max(1, Math.abs(v)));
    const embedded = [before, stoch, limited].flatMap((v, k) =>
      norm(`dynin${k}`, affine(`dynin${k}`, v, 0, of(`dynin${k}/bias`).length)),
    );
    let x = each.flatMap((n) => affine('dynhid0', [...cut(before, n, width), ...embedded], n, width));
    x = norm('dynhid0', x);
    for (let k = 1; k < layers; k++) {
      x = each.flatMap((n) => affine(`dynhid${k}`, cut(x, n, width), n, width));
      x = norm(`dynhid${k}`, x);
    }
    deter = each.flatMap((n) => {
      const gates = affine('dyngru', cut(x, n, width), n, 3 * width);
      const [reset, cand, update] = [0, 1, 2].map((gate) => cut(gates, gate, width)) as [
        number[],
        number[],
        number[],
      ];
      return cut(before, n, width).map((old, i) => {
        const part = sigmoid(update[i]! - 1);
        return part * Math.tanh(sigmoid(reset[i]!) * cand[i]!) + (1 - part) * old;
      });
    });
    return deter;
  });
}
