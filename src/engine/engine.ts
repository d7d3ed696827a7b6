import type { ActivationOp, EmbeddingOp, Frame, LinearOp, Op, Program } from '../pack/program.js';
import { addressOf, advanceOf } from '../pack/program.js';
import type { Kernels } from '../wasm/registry.js';
import { bindBlocks, bindFamily } from './family.js';
import { bindConv, bindDelay, bindKeep, bindRecall } from './past.js';
import type { Piece, Runner, Seat } from './piece.js';
import { bindRecurrent } from './recurrent.js';
import { shareOf } from './share.js';

/**
 * Binds a program to one worker's kernels: everything that does not change between pieces is worked out here.
 * @param kernels those of the family, when the program has operations that need them
 * @param memory theirs
 * @param k this worker's number, 0..n−1
 * @param n how many share the work
 */
export function bindProgram(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  program: Program,
  frame: Frame,
  k: number,
  n: number,
): Runner {
  const seat = { kernels, constants: program.constants, bytes: new Uint8Array(memory.buffer), frame, k, n };
  const stages = program.stages.map(({ steps, loops }) => {
    const bound = steps.map((numbers) =>
      bindStep(
        numbers.map((number) => program.ops[number]!),
        seat,
      ),
    );
    // From the last loop to the first, so that none moves the steps of another.
    for (const { from, to } of [...loops].reverse())
      bound.splice(from, to - from, bindLoop(bound.slice(from, to)));
    return bound;
  });
  if (n === 1) {
    return (piece, meet) => {
      const bound = stages[piece.stage]!;
      for (let i = 0; i < bound.length; i++) bound[i]!(piece, meet);
    };
  }
  return (piece, meet) => {
    const bound = stages[piece.stage]!;
    for (let i = 0; i < bound.length; i++) {
      if (i > 0) meet();
      bound[i]!(piece, meet);
    }
  };
}

/**
 * Runs steps of a program for one time step after the other. Everybody meets between any two: also from one time step to
 * the next, because rows may be the same in each.
 */
function bindLoop(bound: readonly Runner[]): Runner {
  const step: Piece = { stage: 0, steps: 1, batch: 0, row: 0, t0: 0, ragged: false, masked: false };
  return ({ steps, batch, row, t0, ragged, masked }, meet) => {
    step.batch = batch;
    step.ragged = ragged;
    step.masked = masked;
    for (let t = 0; t < steps; t++) {
      step.row = row + t * batch;
      step.t0 = t0 + t;
      for (let i = 0; i < bound.length; i++) {
        if (t + i > 0) meet();
        bound[i]!(step, meet);
      }
    }
  };
}

/** Operations that run side by side. */
function bindStep(ops: Op[], seat: Seat): Runner {
  const recurrent = ops.filter((op) => op.op === 'recurrent');
  if (recurrent.length > 0) return bindRecurrent(recurrent, seat);
  const bound = ops.map((op) => bindOp(op, seat));
  if (bound.length === 1) return bound[0]!;
  return (piece, meet) => {
    for (let i = 0; i < bound.length; i++) bound[i]!(piece, meet);
  };
}

function bindOp(op: Op, seat: Seat): Runner {
  switch (op.op) {
    case 'linear':
      return bindLinear(op, seat);
    case 'blocks':
      return bindBlocks(op, seat);
    case 'embedding':
      return bindEmbedding(op, seat);
    case 'activation':
      return bindActivation(op, seat);
    case 'recurrent':
      return bindRecurrent([op], seat);
    case 'conv':
      return bindConv(op, seat);
    case 'delay':
      return bindDelay(op, seat);
    case 'recall':
      return bindRecall(op, seat);
    case 'keep':
      return bindKeep(op, seat);
    default:
      return bindFamily(op, seat);
  }
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
