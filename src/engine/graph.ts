import type { Op } from '../pack/program.js';
import type { BindStage } from './engine.js';
import { bindBlocks, bindFamily } from './family.js';
import { bindConv, bindDelay, bindKeep, bindRecall } from './past.js';
import type { Piece, Runner, Seat } from './piece.js';
import { bindRecurrent } from './recurrent.js';
import { bindPlain } from './stack.js';

/** Binds one worker's share of any program: of graphs, and of plain stacks among workers. */
export const bindGraph: BindStage = (steps, loops, seat) => {
  const bound = steps.map((ops) => bindStep(ops, seat));
  // From the last loop to the first, so that none moves the steps of another.
  for (const { from, to } of [...loops].reverse())
    bound.splice(from, to - from, bindLoop(bound.slice(from, to)));
  return bound;
};

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
function bindStep(ops: readonly Op[], seat: Seat): Runner {
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
    case 'embedding':
    case 'activation':
      return bindPlain(op, seat);
    case 'blocks':
      return bindBlocks(op, seat);
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
