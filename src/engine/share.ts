import type { RecurrentOp } from '../pack/program.js';

/** A half-open range [from, to). */
export interface Range {
  from: number;
  to: number;
}

/** The range of `total` things that worker k of n owns: contiguous, the first ones larger by at most one. */
export function shareOf(total: number, k: number, n: number): Range {
  return { from: Math.ceil((total * k) / n), to: Math.ceil((total * (k + 1)) / n) };
}

/**
 * Units that split layers are divided by: two vectors, so that a share's rows begin a panel in every cell; or a strip of
 * weights, where that is higher. Where a part has several blocks, they are not divided.
 */
function spanOf({ units, block, strips }: RecurrentOp): number {
  return block < units ? block : Math.max(8, strips?.height ?? 0);
}

/**
 * What worker k of n does in recurrent layers that run side by side: whole parts for all steps where there are enough
 * parts for everyone; otherwise the units [u0, u1) of one part of one layer, whose workers meet after each phase of a
 * step; `leader` is the first of them.
 */
export type RecurrentShare =
  | { split: false /** of each layer */; parts: Range[] }
  | { split: true; layer: number; part: number; units: Range; leader: number };

export function recurrentShare(ops: readonly RecurrentOp[], k: number, n: number): RecurrentShare {
  const parts = ops.reduce((sum, op) => sum + op.parts, 0);
  if (parts >= n || ops.every(({ diagonal }) => diagonal))
    return { split: false, parts: shareParts(ops, k, n) };
  const own = Math.floor((k * parts) / n);
  const leader = Math.ceil((own * n) / parts);
  const team = Math.ceil(((own + 1) * n) / parts) - leader;
  let layer = 0;
  let part = own;
  while (part >= ops[layer]!.parts) part -= ops[layer++]!.parts;
  const op = ops[layer]!;
  const { units, diagonal } = op;
  // The units of a diagonal part are not split: they would be too few for it to be worth while.
  if (diagonal) return { split: true, layer, part, leader, units: { from: 0, to: k === leader ? units : 0 } };
  const span = spanOf(op);
  const spans = shareOf(Math.ceil(units / span), k - leader, team);
  return {
    split: true,
    layer,
    part,
    leader,
    units: { from: Math.min(units, spans.from * span), to: Math.min(units, spans.to * span) },
  };
}

/** Of each layer the parts of worker k: contiguous over all layers, and as equal in work as whole parts can be. */
function shareParts(ops: readonly RecurrentOp[], k: number, n: number): Range[] {
  const costs = ops.map(({ rows, inputs, block, diagonal }) => rows * (inputs + (diagonal ? 1 : block)));
  const total = ops.reduce((sum, { parts }, layer) => sum + parts * costs[layer]!, 0);
  let before = 0;
  return ops.map(({ parts }, layer) => {
    const cost = costs[layer]!;
    // The first part before which there is at least the share of all the workers before.
    const begin = (worker: number) =>
      Math.max(0, Math.min(parts, Math.ceil((total * worker - before * n) / (cost * n))));
    const range = { from: begin(k), to: begin(k + 1) };
    before += parts * cost;
    return range;
  });
}
