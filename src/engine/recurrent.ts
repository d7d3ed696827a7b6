import { tileSteps } from '../pack/plan.js';
import { addressOf, advanceOf, type RecurrentOp, statesOf } from '../pack/program.js';
import type { FamilyKernels } from '../wasm/family-registry.js';
import { Mask } from './mask.js';
import { bindParts, kernelsOf } from './parts.js';
import type { Piece, Runner, Seat } from './piece.js';
import { type Range, type RecurrentShare, recurrentShare } from './share.js';

type Split = Extract<RecurrentShare, { split: true }>;

/**
 * Binds one worker's share of recurrent layers that run side by side, each with its own input, output and state. Whole
 * parts run all their steps in one kernel call; units of a split part take one call for each phase of a step and meet
 * after each. Either way the worker then moves the last outputs of its own units into the state.
 */
export function bindRecurrent(ops: readonly RecurrentOp[], seat: Seat): Runner {
  const share = recurrentShare(ops, seat.k, seat.n);
  if (share.split) {
    const op = ops[share.layer]!;
    const phases = Math.max(...ops.map((each) => each.phases.length));
    return op.diagonal ? bindIdle(op, seat, share, phases) : bindUnits(op, seat, share, phases);
  }
  const bound = ops.flatMap((op, layer) => {
    const parts = share.parts[layer]!;
    if (parts.from >= parts.to) return [];
    return [op.strips === undefined ? bindParts(op, seat, parts) : bindAlone(op, seat, layer)];
  });
  if (bound.length === 1) return bound[0]!;
  return (piece, meet) => {
    for (let i = 0; i < bound.length; i++) bound[i]!(piece, meet);
  };
}

/** A whole part beside others that are split: who has it only meets the others. */
function bindIdle(op: RecurrentOp, seat: Seat, { part, units }: Split, phases: number): Runner {
  const run = units.from < units.to ? bindParts(op, seat, { from: part, to: part + 1 }) : undefined;
  return (piece, meet) => {
    run?.(piece, meet);
    for (let i = piece.steps * phases; i > 0; i--) meet();
  };
}

/** A layer of strips that one worker has whole: all its units, and nobody to meet. */
function bindAlone(op: RecurrentOp, seat: Seat, layer: number): Runner {
  const units = { from: 0, to: op.units };
  const whole = { split: true, layer, part: 0, leader: seat.k, units } as const;
  const run = bindUnits(op, seat, whole, op.phases.length);
  return (piece) => run(piece, nobodyToMeet);
}

const nobodyToMeet = () => {};

function bindUnits(op: RecurrentOp, seat: Seat, split: Split, phases: number): Runner {
  const { kernels, frame, k } = seat;
  const { part, units: range, leader } = split;
  const { gemm_f32, hold_f32, keep_state_f32, windows_f32 } = kernels;
  const step = bindStep(op, seat, part, range);
  const { inputs, units, block, rows } = op;
  const { from: u0, to: u1 } = range;
  const state = statesOf(frame, op);
  const { at, ld } = state;
  const firstH = at[0]!;
  // Where a later phase reads what all units have made in an earlier one, they make it in one place.
  const z = frame.scratch[op.phases.length > 1 ? leader : k]!;
  const x = addressOf(frame, op.x);
  const { ld: ldx } = op.x;
  const { ld: ldy } = op.y;
  const ldz = rows * 4;
  // In each phase that has gates the rows of [u0, u1) are one stretch.
  const stretches = op.phases.flatMap(({ gates, row: first }) => {
    if (gates === 0) return [];
    const row = block < units ? (u0 * rows) / units : first + u0 * gates;
    const count = block < units ? ((u1 - u0) * rows) / units : (Math.ceil(u1 / 4) * 4 - u0) * gates;
    return {
      z: z + row * 4,
      bih: op.bih + (part * rows + row) * 4,
      wih: op.wih + (part * rows + row) * inputs * 4,
      windows: op.windows === 0 ? 0 : op.windows + ((part * rows + row) / 8) * 4,
      panels: Math.ceil(count / 8),
    };
  });
  const h = firstH + part * units * 4;
  const y = addressOf(frame, op.y) + part * units * 4;
  const [nextX, nextY] = [advanceOf(op.x), advanceOf(op.y)];
  /** The input half of steps [t + from, t + to), in a tile that begins with step t; the piece's input begins at an address. */
  const readInput = (atX: number, t: number, from: number, to: number, batch: number) => {
    const count = (to - from) * batch;
    const input = atX + (t + from) * batch * ldx;
    for (let i = 0; i < stretches.length; i++) {
      const { z: first, bih, windows, wih, panels } = stretches[i]!;
      const out = first + from * batch * ldz;
      if (windows === 0) gemm_f32(out, ldz, bih, 0, input, ldx, wih, count, inputs, panels);
      else windows_f32(out, ldz, bih, 0, input, ldx, windows, wih, count, inputs, panels);
    }
  };
  const mask = op.mask < 0 ? undefined : new Mask(op, seat);
  const readMasked = (atX: number, t: number, some: number, batch: number) => {
    for (let i = 0; i < some; ) {
      const until = mask!.endOf(t + i, part, t + some) - t;
      if (mask!.updates(t + i, part)) readInput(atX, t, i, until, batch);
      i = until;
    }
  };
  // Outputs of a projection are nobody's own; who is first repeats them all.
  const held = op.projection ? { from: 0, to: u0 === 0 ? op.outputs : 0 } : range;
  return (piece: Piece, meet) => {
    const { steps, batch, row, t0, ragged } = piece;
    const masked = piece.masked && mask !== undefined;
    if (masked) mask.begin(piece);
    const lengths = ragged ? frame.lengths : 0;
    const tile = tileSteps(frame, rows, batch, steps);
    const atX = x + row * nextX;
    const atY = y + row * nextY;
    for (let t = 0; t < steps; t += tile) {
      const some = Math.min(tile, steps - t);
      const s = z + some * batch * ldz;
      if (u0 < u1 && masked) readMasked(atX, t, some, batch);
      else if (u0 < u1) readInput(atX, t, 0, some, batch);
      for (let i = t; i < t + some; i++) {
        const out = atY + i * batch * ldy;
        const before = i > 0 ? out - batch * ldy : h;
        const ldb = i > 0 ? ldy : ld;
        const rests = masked && !mask.updates(i, part);
        if (rests && u0 < u1) {
          const { from, to } = held;
          hold_f32(out + from * 4, ldy, before + from * 4, ldb, lengths, t0 + i, 1, batch, to - from);
        }
        for (let phase = 0; phase < phases; phase++) {
          if (u0 < u1 && !rests && phase < op.phases.length)
            step(out, before, ldb, z + (i - t) * batch * ldz, s, lengths, t0 + i, batch, phase);
          meet();
        }
      }
    }
    // Everybody has met after the last phase, so who is first can move what all have made.
    if (op.projection && u0 === 0) keep_state_f32(h, ld, atY, ldy, lengths, t0, steps, batch, op.outputs);
    else if (!op.projection && u0 < u1)
      keep_state_f32(h + u0 * 4, ld, atY + u0 * 4, ldy, lengths, t0, steps, batch, u1 - u0);
  };
}

/** One phase of a step: what changes from step to step alone. Addresses of y, h with its stride, z and s, and measures. */
type Step = (
  y: number,
  h: number,
  ldh: number,
  z: number,
  s: number,
  lengths: number,
  time: number,
  batch: number,
  phase: number,
) => void;

/** The kernel that steps units of a part, with what does not change. */
function bindStep(op: RecurrentOp, seat: Seat, part: number, { from: u0, to: u1 }: Range): Step {
  const { kernels, constants, frame } = seat;
  const { cell, units, rows, strips } = op;
  const { ld: ldy } = op.y;
  const { at, ld } = statesOf(frame, op);
  const c = (at[1] ?? 0) + part * units * 4;
  const bhh = op.bhh === 0 ? 0 : op.bhh + part * rows * 4;
  if (strips !== undefined) {
    const { starts, columns, values, diagonal, height } = strips;
    const { recurrent_strips_step_f32 } = kernels as FamilyKernels;
    return (y, h, ldh, z, s, lengths, time, batch, phase) =>
      // biome-ignore format: one line an object, as above
      recurrent_strips_step_f32(
        cell, y, ldy, h, ldh, c, ld,
        z, s,
        starts, columns, values, diagonal, height, bhh, constants,
        lengths, time,
        batch, units, u0, u1, phase,
      );
  }
  const { stepUnits } = kernelsOf(op, kernels);
  const table = op.parameters || constants;
  const whh = op.whh + part * rows * op.block * 4;
  return (y, h, ldh, z, s, lengths, time, batch, phase) =>
    // biome-ignore format: one line an object, as above
    stepUnits(
      cell, y, ldy, h, ldh, c, ld,
      z, s,
      whh, bhh, table,
      lengths, time,
      batch, units, 0, u0, u1, phase,
    );
}
