import { tileSteps } from '../pack/plan.js';
import { type RecurrentOp, strideOf } from '../pack/program.js';
import type { Runner, Seat } from './piece.js';
import { type Range, recurrentShare } from './share.js';

/**
 * Binds one worker's share of a recurrent layer. Whole parts run all their steps in one kernel call; units of
 * a split part take one call a step and meet after each. Either way the worker then moves the last outputs of
 * its own units into the state.
 */
export function bindRecurrent(op: RecurrentOp, seat: Seat): Runner {
  const share = recurrentShare(op, seat.k, seat.n);
  return share.split ? bindUnits(op, seat, share.part, share.units) : bindParts(op, seat, share.parts);
}

function bindParts(
  op: RecurrentOp,
  { kernels, constants, frame, x, ldx, y, k }: Seat,
  { from, to }: Range,
): Runner {
  const { recurrent_f32, keep_state_f32 } = kernels;
  const { cell, inputs, hidden, units, rows, wih, bih, whh, bhh } = op;
  const diagonal = op.diagonal ? 1 : 0;
  const { h, c, ld } = frame.states[op.state]!;
  const z = frame.scratch[k]!;
  const ldy = strideOf(hidden);
  const first = from * units;
  const width = Math.min(hidden, to * units) - first;
  return ({ steps, batch, t0, ragged }) => {
    if (from >= to) return;
    const lengths = ragged ? frame.lengths : 0;
    const tile = tileSteps(frame, rows, batch, steps);
    // biome-ignore format: one line an object: output and state, input, weights, lengths, sizes
    recurrent_f32(
      cell, y, ldy, h, c, ld,
      x, ldx, z,
      wih, bih, whh, bhh, constants,
      lengths, t0,
      steps, batch, inputs, hidden, units, diagonal, tile, from, to,
    );
    keep_state_f32(h + first * 4, ld, y + first * 4, ldy, lengths, t0, steps, batch, width);
  };
}

function bindUnits(op: RecurrentOp, seat: Seat, part: number, { from: u0, to: u1 }: Range): Runner {
  const { kernels, constants, frame, x, ldx, k } = seat;
  const { gemm_f32, recurrent_step_f32, keep_state_f32 } = kernels;
  const { cell, inputs, hidden, units, rows } = op;
  const state = frame.states[op.state]!;
  const { ld } = state;
  const z = frame.scratch[k]!;
  const ldy = strideOf(hidden);
  const ldz = rows * 4;
  // All phases of a cell that splits are one, so the rows of [u0, u1) are one stretch.
  const perUnit = rowsPerUnit(op);
  const row = u0 * perUnit;
  const panels = Math.ceil(((Math.ceil(u1 / 4) * 4 - u0) * perUnit) / 8);
  const whh = op.whh + part * rows * units * 4;
  const bhh = op.bhh === 0 ? 0 : op.bhh + part * ldz;
  const wih = op.wih + (part * rows + row) * inputs * 4;
  const bih = op.bih + (part * rows + row) * 4;
  const h = state.h + part * units * 4;
  const c = state.c + part * units * 4;
  const y = seat.y + part * units * 4;
  return ({ steps, batch, t0, ragged }, meet) => {
    const lengths = ragged ? frame.lengths : 0;
    const tile = tileSteps(frame, rows, batch, steps);
    for (let t = 0; t < steps; t += tile) {
      const some = Math.min(tile, steps - t);
      const s = z + some * batch * ldz;
      if (u0 < u1)
        gemm_f32(z + row * 4, ldz, bih, 0, x + t * batch * ldx, ldx, wih, some * batch, inputs, panels);
      for (let i = t; i < t + some; i++) {
        const out = y + i * batch * ldy;
        const before = i > 0 ? out - batch * ldy : h;
        if (u0 < u1) {
          // biome-ignore format: one line an object, as above
          recurrent_step_f32(
            cell, out, ldy, before, i > 0 ? ldy : ld, c, ld,
            z + (i - t) * batch * ldz, s,
            whh, bhh, constants,
            lengths, t0 + i,
            batch, units, 0, u0, u1,
          );
        }
        meet();
      }
    }
    if (u0 < u1) keep_state_f32(h + u0 * 4, ld, y + u0 * 4, ldy, lengths, t0, steps, batch, u1 - u0);
  };
}

/** G: padded rows divided by padded units. */
function rowsPerUnit(op: RecurrentOp): number {
  return Math.floor(op.rows / (Math.ceil(op.units / 4) * 4));
}
