import {
  addressOf,
  advanceOf,
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
  const [nextX, nextY] = [advanceOf(op.x), advanceOf(op.y)];
  // biome-ignore format: one line an object
  return ({ steps, batch, row }) =>
    blocks_f32(
      y + row * nextY, ldy, bias, x + row * nextX, ldx, weight,
      steps * batch, units, inputs, from, to,
    );
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
  const [nextX, nextY] = [advanceOf(op.x), advanceOf(op.y)];
  /** rows of a share, address of the first in y and in x, and its number before and in the piece */
  const share = (run: (rows: number, y: number, x: number, row: number, first: number) => void): Runner => {
    return ({ steps, batch, row }) => {
      const { from, to } = shareOf(steps * batch, k, n);
      run(to - from, y + row * nextY + from * ldy, x + row * nextX + from * ldx, row, from);
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
      const more = op.more.map((place) => ({
        at: addressOf(frame, place),
        ld: place.ld,
        next: advanceOf(place),
      }));
      return share((rows, y, x, row, first) => {
        for (let i = 0; i < more.length; i++) {
          const { at, ld, next } = more[i]!;
          const a = i === 0 ? x : y;
          const b = at + row * next + first * ld;
          kernels.combine_f32(y, ldy, a, i === 0 ? ldx : ldy, b, ld, rows, outputs, op.code);
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
