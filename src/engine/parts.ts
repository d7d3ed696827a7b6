import { tileSteps } from '../pack/plan.js';
import { addressOf, advanceOf, type RecurrentOp, statesOf } from '../pack/program.js';
import type { FamilyKernels } from '../wasm/family-registry.js';
import { bindMasked, type Stretch } from './masked.js';
import type { Runner, Seat } from './piece.js';
import type { Range } from './share.js';

/**
 * Binds whole parts of a recurrent layer, which run all their steps in one kernel call; then their last outputs are moved
 * into the state.
 */
export function bindParts(op: RecurrentOp, seat: Seat, range: Range): Runner {
  const { kernels, constants, frame, k } = seat;
  const { keep_state_f32 } = kernels;
  const { runParts } = kernelsOf(op, kernels);
  const table = op.parameters || constants;
  const { cell, inputs, windows, hidden, units, rows, wih, bih, whh, bhh } = op;
  const diagonal = op.diagonal ? 1 : 0;
  const { at, ld } = statesOf(frame, op);
  const [h, c = 0] = at as [number, number?];
  const z = frame.scratch[k]!;
  const x = addressOf(frame, op.x);
  const y = addressOf(frame, op.y);
  const { ld: ldx } = op.x;
  const { ld: ldy } = op.y;
  const [nextX, nextY] = [advanceOf(op.x), advanceOf(op.y)];
  const advance: Stretch = ({ batch, row, t0, ragged }, step, steps, from, to) => {
    const lengths = ragged ? frame.lengths : 0;
    const tile = tileSteps(frame, rows, batch, steps);
    const atX = x + row * nextX;
    const atY = y + row * nextY;
    // biome-ignore format: one line an object: output and state, input, weights, lengths, sizes
    runParts(
      cell, atY + step * batch * ldy, ldy, h, c, ld,
      atX + step * batch * ldx, ldx, windows, z,
      wih, bih, whh, bhh, table,
      lengths, t0 + step,
      steps, batch, inputs, hidden, units, diagonal, tile, from, to,
    );
  };
  const keep: Stretch = ({ batch, row, t0, ragged }, step, steps, from, to) => {
    const lengths = ragged ? frame.lengths : 0;
    const out = y + row * nextY + step * batch * ldy + from * 4;
    keep_state_f32(h + from * 4, ld, out, ldy, lengths, t0 + step, steps, batch, to - from);
  };
  const { from, to } = range;
  const end = op.projection ? op.outputs : Math.min(hidden, to * units);
  const masked = op.mask < 0 ? undefined : bindMasked(op, seat, range, advance, keep);
  return (piece, meet) => {
    if (piece.masked && masked !== undefined) return masked(piece, meet);
    advance(piece, 0, piece.steps, from, to);
    keep(piece, 0, piece.steps, from * units, end);
  };
}

/** What runs a layer whole and what steps it: kernels of plain cells, or of the family, which take the same. */
export function kernelsOf({ parameters }: RecurrentOp, kernels: Seat['kernels']) {
  if (parameters === 0) return { runParts: kernels.recurrent_f32, stepUnits: kernels.recurrent_step_f32 };
  const { family_recurrent_f32, family_step_f32 } = kernels as FamilyKernels;
  return { runParts: family_recurrent_f32, stepUnits: family_step_f32 };
}
