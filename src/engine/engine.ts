import {
  type ActivationOp,
  type EmbeddingOp,
  type Frame,
  type LinearOp,
  type Op,
  type Program,
  strideOf,
} from '../pack/program.js';
import type { Kernels } from '../wasm/registry.js';
import { bindConv, bindDelay } from './past.js';
import type { Runner, Seat } from './piece.js';
import { bindRecurrent } from './recurrent.js';
import { shareOf } from './share.js';

/**
 * Binds a program to one worker's kernels: everything that does not change between pieces is worked out here.
 * @param k this worker's number, 0..n−1
 * @param n how many share the work
 */
export function bindProgram(kernels: Kernels, program: Program, frame: Frame, k: number, n: number): Runner {
  const { constants } = program;
  const bound: Runner[] = [];
  let x = frame.input;
  let ldx = frame.ldInput;
  for (const [index, op] of program.ops.entries()) {
    const y = frame.activations[index % 2]!;
    bound.push(bindOp(op, { kernels, constants, frame, x, ldx, y, k, n }));
    x = y;
    ldx = strideOf(op.outputs);
  }
  if (n === 1) {
    return (piece, meet) => {
      for (let i = 0; i < bound.length; i++) bound[i]!(piece, meet);
    };
  }
  return (piece, meet) => {
    for (let i = 0; i < bound.length; i++) {
      if (i > 0) meet();
      bound[i]!(piece, meet);
    }
  };
}

/** Address and row stride of a program's output in a frame. */
export function outputOf(program: Program, frame: Frame): { address: number; ld: number } {
  return { address: frame.activations[(program.ops.length - 1) % 2]!, ld: strideOf(program.outputs) };
}

function bindOp(op: Op, seat: Seat): Runner {
  switch (op.op) {
    case 'recurrent':
      return bindRecurrent(op, seat);
    case 'linear':
      return bindLinear(op, seat);
    case 'embedding':
      return bindEmbedding(op, seat);
    case 'activation':
      return bindActivation(op, seat);
    case 'conv':
      return bindConv(op, seat);
    case 'delay':
      return bindDelay(op, seat);
  }
}

/** A share of a linear layer is a range of panels: eight outputs each. */
function bindLinear(op: LinearOp, { kernels, x, ldx, y, k, n }: Seat): Runner {
  const { gemm_f32 } = kernels;
  const { from, to } = shareOf(op.panels, k, n);
  const out = y + from * 32;
  const bias = op.bias + from * 32;
  const weight = op.weight + from * 32 * op.inputs;
  const ld = strideOf(op.outputs);
  return ({ steps, batch }) =>
    gemm_f32(out, ld, bias, 0, x, ldx, weight, steps * batch, op.inputs, to - from);
}

/** A share of an embedding or an activation is a range of rows. */
function bindEmbedding(op: EmbeddingOp, { kernels, x, y, k, n }: Seat): Runner {
  const { embedding_f32 } = kernels;
  const ld = strideOf(op.outputs);
  return ({ steps, batch }) => {
    const { from, to } = shareOf(steps * batch, k, n);
    embedding_f32(y + from * ld, ld, x + from * 4, op.table, op.outputs * 4, to - from, op.outputs);
  };
}

function bindActivation(op: ActivationOp, { kernels, constants, x, ldx, y, k, n }: Seat): Runner {
  const kernel = kernels[op.kernel];
  return ({ steps, batch }) => {
    const { from, to } = shareOf(steps * batch, k, n);
    kernel(y + from * ldx, ldx, x + from * ldx, ldx, constants, to - from, op.outputs);
  };
}
