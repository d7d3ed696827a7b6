import {
  addressOf,
  type BlocksOp,
  type CombineOp,
  type CopyOp,
  type FunctionOp,
  type NormOp,
  type ScaleOp,
} from '../pack/program.js';
import type { FamilyKernels } from '../wasm/family-registry.js';
import type { Runner, Seat } from './piece.js';
import { shareOf } from './share.js';

/** A share of a linear layer in blocks is a range of panels: eight outputs each, or all of a smaller block. */
export function bindBlocks(op: BlocksOp, { kernels, frame, k, n }: Seat): Runner {
  const { blocks_f32 } = kernels as FamilyKernels;
  const { inputs, units, weight, bias } = op;
  const { from, to } = shareOf(op.panels, k, n);
  const [x, y] = [addressOf(frame, op.x), addressOf(frame, op.y)];
  const [{ ld: ldx }, { ld: ldy }] = [op.x, op.y];
  return ({ steps, batch }) =>
    blocks_f32(y, ldy, bias, x, ldx, weight, steps * batch, units, inputs, from, to);
}

/** Binds an operation of the family: one worker's share of each is a range of rows. */
export function bindFamily(op: FunctionOp | CombineOp | ScaleOp | NormOp | CopyOp, seat: Seat): Runner {
  const { constants, frame, k, n } = seat;
  const kernels = seat.kernels as FamilyKernels;
  const x = addressOf(frame, op.x);
  const y = addressOf(frame, op.y);
  const { ld: ldx } = op.x;
  const { ld: ldy } = op.y;
  const { outputs } = op;
  /** first row, and address of it in y and in x */
  const share = (run: (rows: number, y: number, x: number, first: number) => void): Runner => {
    return ({ steps, batch }) => {
      const { from, to } = shareOf(steps * batch, k, n);
      run(to - from, y + from * ldy, x + from * ldx, from);
    };
  };
  switch (op.op) {
    case 'function': {
      const { code, alpha, beta } = op;
      return share((rows, y, x) =>
        kernels.function_f32(y, ldy, x, ldx, constants, rows, outputs, code, alpha, beta),
      );
    }
    case 'combine': {
      const more = op.more.map((place) => ({ at: addressOf(frame, place), ld: place.ld }));
      return share((rows, y, x, first) => {
        for (let i = 0; i < more.length; i++) {
          const { at, ld } = more[i]!;
          const a = i === 0 ? x : y;
          kernels.combine_f32(y, ldy, a, i === 0 ? ldx : ldy, at + first * ld, ld, rows, outputs, op.code);
        }
      });
    }
    case 'scale':
      return share((rows, y, x) => kernels.scale_f32(y, ldy, x, ldx, op.weight, op.bias, rows, outputs));
    case 'norm': {
      const { weight, bias, groups, epsilon } = op;
      const size = outputs / groups;
      const centred = op.centred ? 1 : 0;
      return share((rows, y, x) =>
        kernels.norm_f32(y, ldy, x, ldx, weight, bias, rows, groups, size, centred, epsilon),
      );
    }
    case 'copy':
      return share((rows, y, x) => kernels.copy_f32(y, ldy, x, ldx, rows, outputs));
  }
}
