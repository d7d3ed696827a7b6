import type { Runner } from '../../engine/piece.js';
import { shareOf } from '../../engine/share.js';
import { openArena } from '../../memory/arena.js';
import type { TrainKernels } from '../../wasm/train-registry.js';
import { type Order, readOrder } from '../plan/order.js';
import type { TrainOp, TrainProgram } from '../plan/program.js';
import { bindActivation, bindEmbedding, bindLinear, type Slopes } from './dense.js';
import { bindHead } from './head.js';
import { bindRecurrent } from './recurrent.js';
import { type Pass, rowsOf, type Seat } from './seat.js';
import { clearSlopes, packWeights, sumSquares, updateWeights } from './update.js';

/**
 * Binds a training to one worker's kernels. What a step is stands in the order, in shared memory; a step has these
 * meetings: after each layer forwards, within and after the loss, after each layer backwards, and around the update.
 * @param k this worker's number, 0..n−1
 * @param n how many share the work
 */
export function bindTraining(
  kernels: TrainKernels,
  program: TrainProgram,
  memory: WebAssembly.Memory,
  k: number,
  n: number,
): Runner {
  const { f32, i32 } = openArena(memory, n > 1);
  const seat: Seat = { kernels, program, f32, i32, f64: new Float64Array(memory.buffer), k, n };
  const { ops, gradients } = program;
  const slopeOf = (index: number) => (index < 0 ? 0 : gradients[index % 2]!);
  const passes = ops.map((op, index) => bindOp(op, seat, { dy: slopeOf(index), dx: slopeOf(index - 1) }));
  const last = bindHead(seat, slopeOf(ops.length - 1));
  const drops = ops.map((op, index) =>
    op.dropped === 0 ? undefined : bindDropout(op, index, seat, slopeOf(index)),
  );

  return (_piece, meet) => {
    const order = readOrder(seat.f64, program.order);
    const { stage } = order;
    if (stage === 'pack') {
      packWeights(seat);
      return;
    }
    if (stage !== 'evaluate') clearSlopes(seat);
    for (const [index, pass] of passes.entries()) {
      pass.forward(order, meet);
      meet();
      if (drops[index] === undefined) continue;
      drops[index].forward(order, meet);
      meet();
    }
    last.forward(order, meet);
    meet();
    if (stage === 'evaluate') {
      for (const pass of passes) pass.keep?.(order, 1);
      return;
    }
    for (let index = passes.length - 1; index >= 0; index--) {
      if (drops[index] !== undefined) {
        drops[index]!.backward(order, meet);
        meet();
      }
      passes[index]!.backward(order, meet);
      meet();
    }
    sumSquares(seat);
    meet();
    if (stage === 'gradient' || !updateWeights(seat, order)) return;
    for (const pass of passes) pass.keep?.(order, 0);
    meet();
    packWeights(seat);
  };
}

function bindOp(op: TrainOp, seat: Seat, slopes: Slopes): Pass {
  switch (op.op) {
    case 'recurrent':
      return bindRecurrent(op, seat, slopes);
    case 'linear':
      return bindLinear(op, seat, slopes);
    case 'embedding':
      return bindEmbedding(op, seat, slopes);
    case 'activation':
      return bindActivation(op, seat, slopes);
  }
}

/** Dropout of a layer's output: rows are shared out. Evaluation keeps everything. */
function bindDropout(op: TrainOp, index: number, { kernels, program, k, n }: Seat, dy: number): Pass {
  const { out, dropped } = op;
  const { ld } = out;
  const { dropout } = program;
  const drop = ({ steps, batch, stage, seed }: Order, to: number, from: number) => {
    const rows = shareOf(steps * batch, k, n);
    const isOn = stage !== 'evaluate';
    const at = rows.from * ld;
    // With their padding, so that zeros stay behind the columns.
    // biome-ignore format: rows, sizes, chance
    kernels.dropout_f32(
      to + at, ld, from + at, ld,
      rows.to - rows.from, ld / 4, rows.from,
      (seed + Math.imul(index + 1, 0x9e3779b9)) >>> 0, isOn ? Math.floor(dropout * 2 ** 32) : 0, isOn ? 1 / (1 - dropout) : 1,
    );
  };
  return {
    forward: (order) => drop(order, dropped, rowsOf(out, order.batch)),
    backward: (order) => drop(order, dy, dy),
  };
}
