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

/** A share of a layer that looks back is a range of features: each keeps its own past. */
function featuresOf({ k, n }: Seat, outputs: number): Range {
  const { from, to } = shareOf(Math.ceil(outputs / spanFeatures), k, n);
  return { from: Math.min(outputs, from * spanFeatures), to: Math.min(outputs, to * spanFeatures) };
}

export function bindConv(op: ConvOp, seat: Seat): Runner {
  const { frame } = seat;
  const { conv_f32 } = seat.kernels as FamilyKernels;
  const { outputs, width, weight, bias } = op;
  const { from, to } = featuresOf(seat, outputs);
  const { at, ld } = frame.states[op.state]!;
  const [h] = at as [number];
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
  const { from, to } = featuresOf(seat, outputs);
  const { at, ld } = frame.states[op.state]!;
  const [h] = at as [number];
  const [x, y] = [addressOf(frame, op.x), addressOf(frame, op.y)];
  const [{ ld: ldx }, { ld: ldy }] = [op.x, op.y];
  return ({ steps, batch, t0, ragged }) => {
    const lengths = ragged ? frame.lengths : 0;
    delay_f32(y, ldy, x, ldx, h, ld, lengths, t0, steps, batch, outputs, kept, from, to);
  };
}

/** What a delay in a loop gives: the oldest row of its state. */
export function bindRecall(op: RecallOp, seat: Seat): Runner {
  const { frame } = seat;
  const { copy_f32 } = seat.kernels as FamilyKernels;
  const { from, to } = featuresOf(seat, op.outputs);
  const { at, ld } = frame.states[op.state]!;
  const h = at[0]! + from * 4;
  const y = addressOf(frame, op.y) + from * 4;
  const { ld: ldy } = op.y;
  const next = advanceOf(op.y);
  return ({ batch, row }) => copy_f32(y + row * next, ldy, h, ld, batch, to - from);
}

/** What a delay in a loop takes in. */
export function bindKeep(op: KeepOp, seat: Seat): Runner {
  const { frame } = seat;
  const { keep_past_f32 } = seat.kernels as FamilyKernels;
  const { outputs, steps: kept } = op;
  const { from, to } = featuresOf(seat, outputs);
  const { at, ld } = frame.states[op.state]!;
  const [h] = at as [number];
  const x = addressOf(frame, op.x);
  const { ld: ldx } = op.x;
  const next = advanceOf(op.x);
  return ({ steps, batch, row, t0, ragged }) => {
    const lengths = ragged ? frame.lengths : 0;
    keep_past_f32(h, ld, x + row * next, ldx, lengths, t0, steps, batch, outputs, kept, from, to);
  };
}
