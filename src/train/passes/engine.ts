import type { Meet, Runner } from '../../engine/piece.js';
import { shareOf } from '../../engine/share.js';
import { openArena } from '../../memory/arena.js';
import type { TrainKernels } from '../../wasm/train-registry.js';
import { type Order, readOrder } from '../plan/order.js';
import type { Route, RowCopy, TrainOp, TrainProgram } from '../plan/program.js';
import { bindBlocks } from './blocks.js';
import { bindActivation, bindEmbedding, bindLinear, type Slopes } from './dense.js';
import { bindHead } from './head.js';
import { bindConv, bindDelay } from './past.js';
import { bindCombine, bindFunction, bindNorm, bindScale, bindShuffle } from './pointwise.js';
import { bindRagged } from './ragged.js';
import { bindRecurrent } from './recurrent.js';
import { copyRows } from './rows.js';
import { type Pass, rowsOf, type Seat } from './seat.js';
import { seedOf } from './seeds.js';
import { bindStrips } from './strips.js';
import { clearSlopes, packWeights, sumSquares, updateWeights } from './update.js';

/**
 * Binds a training to one worker's kernels. What a step is stands in the order, in shared memory; a step has these
 * meetings: after each layer forwards, within and after the loss, after each layer backwards, around the update, and after
 * copies where layers read more than the rows of one; layers of strips have two more.
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
  const { ops, routes } = program;
  const passes = ops.map((op, index) => bindOp(op, seat, routes[index]!));
  const end = routes[ops.length]!;
  const last = bindHead(seat, end.dx[0]!);
  const drops = ops.map((op, index) =>
    op.dropped === 0 ? undefined : bindDropout(op, seat, routes[index]!),
  );
  const strips = bindStrips(seat);
  /** Copies of what all have written before, which all may read behind. */
  const copy = (copies: readonly RowCopy[], order: Order, meet: Meet) => {
    if (copies.length === 0) return;
    copyRows(seat, copies, order);
    meet();
  };

  return (_piece, meet) => {
    const order = readOrder(seat.f64, program.order);
    const { stage } = order;
    if (stage === 'pack') {
      strips?.expand(meet);
      packWeights(seat);
      return;
    }
    if (stage !== 'evaluate') clearSlopes(seat);
    for (const [index, pass] of passes.entries()) {
      copy(routes[index]!.gather, order, meet);
      pass.forward(order, meet);
      meet();
      if (drops[index] === undefined) continue;
      drops[index].forward(order, meet);
      meet();
    }
    copy(end.gather, order, meet);
    last.forward(order, meet);
    meet();
    if (stage === 'evaluate') {
      for (const pass of passes) pass.keep?.(order, 1);
      return;
    }
    copy(end.spread, order, meet);
    for (let index = passes.length - 1; index >= 0; index--) {
      if (routes[index]!.dy === 0) continue;
      if (drops[index] !== undefined) {
        drops[index]!.backward(order, meet);
        meet();
      }
      passes[index]!.backward(order, meet);
      meet();
      copy(routes[index]!.spread, order, meet);
    }
    strips?.gather(meet);
    sumSquares(seat);
    meet();
    if (stage === 'gradient' || !updateWeights(seat, order)) return;
    for (const pass of passes) pass.keep?.(order, 0);
    meet();
    strips?.expand(meet);
    packWeights(seat);
  };
}

function bindOp(op: TrainOp, seat: Seat, { layer, dy, dx }: Route): Pass {
  const slopes: Slopes = { dy, dx: dx[0]! };
  switch (op.op) {
    case 'recurrent':
      return bindRecurrent(op, seat, slopes, layer);
    case 'ragged':
      return bindRagged(op, seat, slopes, layer);
    case 'linear':
      return bindLinear(op, seat, slopes);
    case 'embedding':
      return bindEmbedding(op, seat, slopes);
    case 'activation':
      return bindActivation(op, seat, slopes);
    case 'function':
      return bindFunction(op, seat, slopes);
    case 'blocks':
      return bindBlocks(op, seat, slopes);
    case 'combine':
      return bindCombine(op, seat, dy, dx);
    case 'scale':
      return bindScale(op, seat, slopes);
    case 'shuffle':
      return bindShuffle(op, seat, slopes);
    case 'norm':
      return bindNorm(op, seat, slopes);
    case 'conv':
      return bindConv(op, seat, slopes);
    case 'delay':
      return bindDelay(op, seat, slopes);
  }
}

/** Dropout of a layer's output: rows are shared out. Evaluation keeps everything. */
function bindDropout(
  { out, dropped }: TrainOp,
  { kernels, program, k, n }: Seat,
  { layer, dy }: Route,
): Pass {
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
      seedOf(seed, layer, 'dropout'), isOn ? Math.floor(dropout * 2 ** 32) : 0, isOn ? 1 / (1 - dropout) : 1,
    );
  };
  return {
    forward: (order) => drop(order, dropped, rowsOf(out, order.batch)),
    backward: (order) => drop(order, dy, dy),
  };
}
