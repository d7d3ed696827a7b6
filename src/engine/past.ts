import { addressOf, type ConvOp, type DelayOp } from '../pack/program.js';
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
  return ({ steps, batch, t0, ragged }) => {
    const lengths = ragged ? frame.lengths : 0;
    conv_f32(y, ldy, x, ldx, h, ld, weight, bias, lengths, t0, steps, batch, outputs, width, from, to);
  };
}

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
