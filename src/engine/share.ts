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
 * Units that split layers are divided by: two vectors, so that a share's rows begin a panel in every cell; or a strip
 * of weights, where that is higher.
 */
const spanUnits = 8;

/**
 * What worker k of n does in a recurrent layer: whole parts for all steps where there are enough parts for
 * everyone; otherwise the units [u0, u1) of one part, whose workers meet after each phase of a
 * step; `leader` is the first of them.
 */
export type RecurrentShare =
  | { split: false; parts: Range }
  | { split: true; part: number; units: Range; leader: number };

export function recurrentShare(op: RecurrentOp, k: number, n: number): RecurrentShare {
  // Strips are stepped from here, by one worker too.
  if ((op.parts >= n && op.strips === undefined) || op.diagonal)
    return { split: false, parts: shareOf(op.parts, k, n) };
  const part = Math.floor((k * op.parts) / n);
  const first = Math.ceil((part * n) / op.parts);
  const team = Math.ceil(((part + 1) * n) / op.parts) - first;
  const span = Math.max(spanUnits, op.strips?.height ?? 0);
  const spans = shareOf(Math.ceil(op.units / span), k - first, team);
  return {
    split: true,
    part,
    leader: first,
    units: { from: Math.min(op.units, spans.from * span), to: Math.min(op.units, spans.to * span) },
  };
}
