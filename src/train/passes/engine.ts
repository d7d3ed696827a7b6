import type { Meet, Runner } from '../../engine/piece.js';
import { shareOf } from '../../engine/share.js';
import { openArena } from '../../memory/arena.js';
import type { TrainKernels } from '../../wasm/train-registry.js';
import { type Order, readOrder } from '../plan/order.js';
import type { Route, RowCopy, TrainOp, TrainProgram } from '../plan/program.js';
import { bindEmbedding } from './dense.js';
import { bindHead } from './head.js';
import { bindLoop, bindRows } from './loop.js';
import { bindRagged } from './ragged.js';
import { bindRecurrent } from './recurrent.js';
import { copyRows, rowShare, shareRows } from './rows.js';
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
  const turns = bindTurns(seat);
  const end = routes[ops.length]!;
  const last = bindHead(seat, end.dx[0]!);
  const strips = bindStrips(seat);
  /** Copies of what all have written before, which all may read behind. */
  const copy = (copies: readonly RowCopy[], order: Order, meet: Meet) => {
    if (copies.length === 0) return;
    copyRows(seat, copies, order, rowShare(seat, order));
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
    for (const { pass, gather, drop } of turns) {
      copy(gather, order, meet);
      pass.forward(order, meet);
      meet();
      if (drop === undefined) continue;
      drop.forward(order, meet);
      meet();
    }
    copy(end.gather, order, meet);
    last.forward(order, meet);
    meet();
    if (stage === 'evaluate') {
      for (const { pass } of turns) pass.keep?.(order, 1);
      return;
    }
    copy(end.spread, order, meet);
    for (const { pass, spread, drop, descends } of turns.toReversed()) {
      if (!descends) continue;
      if (drop !== undefined) {
        drop.backward(order, meet);
        meet();
      }
      pass.backward(order, meet);
      meet();
      copy(spread, order, meet);
    }
    strips?.gather(meet);
    sumSquares(seat);
    meet();
    if (stage === 'gradient' || !updateWeights(seat, order)) return;
    for (const { pass } of turns) pass.keep?.(order, 0);
    meet();
    strips?.expand(meet);
    packWeights(seat);
  };
}

/** An operation, or those of a loop, with the copies around it. */
interface Turn extends Pick<Route, 'gather' | 'spread'> {
  pass: Pass;
  drop: Pass | undefined;
  /** whether there is a way back through it */
  descends: boolean;
}

function bindTurns(seat: Seat): Turn[] {
  const { ops, routes, loops } = seat.program;
  const turns: Turn[] = [];
  for (let index = 0; index < ops.length; index++) {
    const loop = loops.find(({ from }) => from === index);
    if (loop === undefined) {
      const [op, route] = [ops[index]!, routes[index]!];
      const drop = op.dropped === 0 ? undefined : bindDropout(op, seat, route);
      const { gather, spread, dy } = route;
      turns.push({ pass: bindOp(op, seat, route), gather, spread, drop, descends: dy !== 0 });
      continue;
    }
    const descends = routes[index]!.dy !== 0;
    turns.push({ pass: bindLoop(loop, seat), gather: [], spread: [], drop: undefined, descends });
    index = loop.to - 1;
  }
  return turns;
}

function bindOp(op: TrainOp, seat: Seat, route: Route): Pass {
  switch (op.op) {
    case 'recurrent':
      return bindRecurrent(op, seat, { dy: route.dy, dx: route.dx[0]! }, route.layer);
    case 'ragged':
      return bindRagged(op, seat, { dy: route.dy, dx: route.dx[0]! }, route.layer);
    case 'embedding':
      return bindEmbedding(op, seat, { dy: route.dy, dx: 0 });
    default:
      return shareRows(bindRows(op, seat, route), seat);
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
