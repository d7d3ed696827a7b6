import {
  addressOf,
  advanceOf,
  type ConvOp,
  type DelayOp,
  type KeepOp,
  type RecallOp,
} from '../pack/program.js';
import type { FamilyKernels } from '../wasm/family-registry.js';
import type { Runner, Seat } from './piece.js';
import { type Range, shareOf } from './share.js';

/** Features that a share is a multiple of. */
const spanFeatures = 8;

/** A worker's share of what a layer keeps of its past: a range of features, of the state at h. */
interface Past extends Range {
  h: number;
  ld: number;
}

function pastOf({ frame, k, n }: Seat, { state, outputs }: { state: number; outputs: number }): Past {
  const share = shareOf(Math.ceil(outputs / spanFeatures), k, n);
  const { at, ld } = frame.states[state]!;
  const [from, to] = [share.from, share.to].map((span) => Math.min(outputs, span * spanFeatures));
  return { from: from!, to: to!, h: at[0]!, ld };
}

export function bindConv(op: ConvOp, seat: Seat): Runner {
  const { frame } = seat;
  const { conv_f32 } = seat.kernels as FamilyKernels;
  const { outputs, width, weight, bias } = op;
  const { from, to, h, ld } = pastOf(seat, op);
  const [x, y] = [addressOf(frame, op.x), addressOf(frame, op.y)];
  const [{ ld: ldx }, { ld: ldy }] = [op.x, op.y];
  const [nextX, nextY] = [advanceOf(op.x), advanceOf(op.y)];
  return ({ steps, batch, row, t0, ragged }) => {
    const lengths = ragged ? frame.lengths : 0;
    // biome-ignore format: one line an object: output, input and state, weights, lengths, sizes
    conv_f32(
      y + row * nextY, ldy, x + row * nextX, ldx, h, ld,
      weight, bias,
      lengths, t0,
      steps, batch, outputs, width, from, to,
    );
  };
}

/** Outside of loops: in one it is a recall and a keep. */
export function bindDelay(op: DelayOp, seat: Seat): Runner {
  const { frame } = seat;
  const { delay_f32 } = seat.kernels as FamilyKernels;
  const { outputs, steps: kept } = op;
  const { from, to, h, ld } = pastOf(seat, op);
  const [x, y] = [addressOf(frame, op.x), addressOf(frame, op.y)];
  const [{ ld: ldx }, { ld: ldy }] = [op.x, op.y];
  return ({ steps, batch, t0, ragged }) => {
    const lengths = ragged ? frame.lengths : 0;
    delay_f32(y, ldy, x, ldx, h, ld, lengths, t0, steps, batch, outputs, kept, from, to);
  };
}

/** What a delay in a loop gives: the oldest row of its state. */
export function bindRecall(op: RecallOp, seat: Seat): Runner {
  const { copy_f32 } = seat.kernels as FamilyKernels;
  const { from, to, h, ld } = pastOf(seat, op);
  const y = addressOf(seat.frame, op.y) + from * 4;
  const { ld: ldy } = op.y;
  const next = advanceOf(op.y);
  return ({ batch, row }) => copy_f32(y + row * next, ldy, h + from * 4, ld, batch, to - from);
}

/** What a delay in a loop takes in. */
export function bindKeep(op: KeepOp, seat: Seat): Runner {
  const { frame } = seat;
  const { keep_past_f32 } = seat.kernels as FamilyKernels;
  const { outputs, steps: kept } = op;
  const { from, to, h, ld } = pastOf(seat, op);
  const x = addressOf(frame, op.x);
  const { ld: ldx } = op.x;
  const next = advanceOf(op.x);
  return ({ steps, batch, row, t0, ragged }) => {
    const lengths = ragged ? frame.lengths : 0;
    keep_past_f32(h, ld, x + row * next, ldx, lengths, t0, steps, batch, outputs, kept, from, to);
  };
}
