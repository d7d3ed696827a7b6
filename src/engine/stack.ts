import type { ActivationOp, EmbeddingOp, LinearOp } from '../pack/program.js';
import { addressOf, advanceOf } from '../pack/program.js';
import type { BindStage } from './engine.js';
import { bindParts } from './parts.js';
import type { Runner, Seat } from './piece.js';
import { shareOf } from './share.js';

/** Binds a plain stack for one who has all of the work: one operation in each step. */
export const bindStack: BindStage = (steps, _, seat) =>
  steps.map(([op]) =>
    op!.op === 'recurrent'
      ? bindParts(op!, seat, { from: 0, to: op!.parts })
      : bindPlain(op as LinearOp | EmbeddingOp | ActivationOp, seat),
  );

/** Binds a share of an operation of plain stacks that does not recur. */
export function bindPlain(op: LinearOp | EmbeddingOp | ActivationOp, seat: Seat): Runner {
  if (op.op === 'linear') return bindLinear(op, seat);
  return op.op === 'embedding' ? bindEmbedding(op, seat) : bindActivation(op, seat);
}

/** A share of a linear layer is a range of panels: eight outputs each. */
function bindLinear(op: LinearOp, { kernels, frame, k, n }: Seat): Runner {
  const { gemm_f32 } = kernels;
  const { from, to } = shareOf(op.panels, k, n);
  const x = addressOf(frame, op.x);
  const out = addressOf(frame, op.y) + from * 32;
  const bias = op.bias + from * 32;
  const weight = op.weight + from * 32 * op.inputs;
  const { ld } = op.y;
  const { ld: ldx } = op.x;
  const [nextX, nextY] = [advanceOf(op.x), advanceOf(op.y)];
  // biome-ignore format: one line an object
  return ({ steps, batch, row }) =>
    gemm_f32(
      out + row * nextY, ld, bias, 0, x + row * nextX, ldx, weight,
      steps * batch, op.inputs, to - from,
    );
}

/** A share of an embedding or an activation is a range of rows. */
function bindEmbedding(op: EmbeddingOp, { kernels, frame, k, n }: Seat): Runner {
  const { embedding_f32 } = kernels;
  const x = addressOf(frame, op.x);
  const y = addressOf(frame, op.y);
  const { ld } = op.y;
  // Ids feed back from nowhere, so that it is in no loop, and its rows are the first.
  return ({ steps, batch }) => {
    const { from, to } = shareOf(steps * batch, k, n);
    embedding_f32(y + from * ld, ld, x + from * 4, op.table, op.outputs * 4, to - from, op.outputs);
  };
}

function bindActivation(op: ActivationOp, { kernels, constants, frame, k, n }: Seat): Runner {
  const kernel = kernels[op.kernel];
  const x = addressOf(frame, op.x);
  const y = addressOf(frame, op.y);
  const { ld: ldx } = op.x;
  const { ld: ldy } = op.y;
  const [nextX, nextY] = [advanceOf(op.x), advanceOf(op.y)];
  return ({ steps, batch, row }) => {
    const { from, to } = shareOf(steps * batch, k, n);
    const atX = x + row * nextX;
    const atY = y + row * nextY;
    kernel(atY + from * ldy, ldy, atX + from * ldx, ldx, constants, to - from, op.outputs);
  };
}
