import { shareOf } from '../../engine/share.js';
import { panelRows } from '../../pack/rows.js';
import type { Param, Weight } from '../plan/link.js';
import { noteNorm, noteUpdate, type Order } from '../plan/order.js';
import { squareFloats } from '../plan/plan.js';
import { recurrentsOf } from '../plan/program.js';
import { sumLosses } from './head.js';
import type { Seat } from './seat.js';

/** Floats in a cache line. */
const line = 16;

/** This worker's stretch of the gradients, and of those of what is derived, is set to zero. */
export function clearSlopes({ kernels, program, k, n }: Seat): void {
  const { from, to } = shareOf(program.extent / line, k, n);
  kernels.zero_f32(program.slopes + from * line * 4, (to - from) * line);
}

/** Sums of squares of this worker's stretches of the gradient. */
export function sumSquares({ kernels, program, k, n }: Seat): void {
  const { slopes, squares, floats } = program;
  const { from, to } = shareOf(Math.ceil(floats / squareFloats), k, n);
  for (let i = from; i < to; i++) {
    const count = Math.min(squareFloats, floats - i * squareFloats);
    kernels.sum_squares_f32(squares + i * 8, slopes + i * squareFloats * 4, count);
  }
}

/**
 * Updates this worker's stretch of the weights, unless the loss or the gradient is not finite: then nothing changes.
 * @returns whether it did
 */
export function updateWeights(seat: Seat, order: Order): boolean {
  const { kernels, program, f32, f64, k, n } = seat;
  const { floats, weights, slopes, moments, optimizer, clip, squares, head } = program;
  let sum = 0;
  for (let i = 0; i < Math.ceil(floats / squareFloats); i++) sum += f64[squares / 8 + i]!;
  const norm = Math.sqrt(sum);
  if (k === 0) noteNorm(f64, program.order, norm);
  // A logit of −∞ gives an infinite loss and a gradient that is finite.
  if (![norm, sumLosses(f32, head, order)].every(Number.isFinite)) return false;
  noteUpdate(f64, program.order);
  // torch.nn.utils.clip_grad_norm_
  const scale = Math.min(1, clip / (norm + 1e-6));
  const { from, to } = shareOf(floats / line, k, n);
  const at = from * line * 4;
  const count = (to - from) * line;
  const [first = weights, second = weights] = moments;
  const { learningRate: rate, update } = order;
  const { weightDecay } = optimizer;
  if (optimizer.kind === 'sgd') {
    const { momentum, dampening, nesterov } = optimizer;
    // biome-ignore format: addresses, then numbers
    kernels.sgd_f32(
      weights + at, slopes + at, first + at,
      count, rate, momentum, dampening, weightDecay, scale, nesterov ? 1 : 0, update === 1 ? 1 : 0,
    );
  } else {
    const { kind, beta1, beta2, epsilon } = optimizer;
    const corrections = [1 - beta1 ** update, Math.sqrt(1 - beta2 ** update)] as const;
    // biome-ignore format: as above
    kernels.adam_f32(
      weights + at, slopes + at, first + at, second + at,
      count, rate, beta1, beta2, epsilon, weightDecay, scale, ...corrections, kind === 'adamw' ? 1 : 0,
    );
  }
  return true;
}

/** Makes this worker's share of the packed forms of all weights. */
export function packWeights(seat: Seat): void {
  const { program } = seat;
  for (const op of program.ops) {
    if (op.op === 'linear' || op.op === 'blocks') packWeight(seat, op.weight);
    if (op.op === 'conv') packForward(seat, op.weight, op.packed);
  }
  for (const op of recurrentsOf(program.ops)) {
    packWeight(seat, op.wih);
    if (op.whr !== undefined) packWeight(seat, op.whr);
    if (op.whh !== undefined && 'forward' in op.whh) packWeight(seat, op.whh);
    if (seat.k > 0) continue;
    const { kernels } = seat;
    const count = op.parts * op.whole.rows;
    kernels.zero_f32(op.bias, count);
    for (const { param } of op.biases) kernels.add_f32(op.bias, program.weights + param.at, count);
    if (op.meeting === undefined) continue;
    const { vectors, columns } = op.meeting;
    kernels.zero_f32(vectors, op.meeting.count * count);
    for (const { param, to } of columns)
      kernels.add_f32(vectors + to * count * 4, program.weights + param.at, count);
  }
  packWeight(seat, program.head.weight);
}

/** Panels of this worker's rows. */
function packForward({ kernels, program, k, n }: Seat, param: Param, forward: number): void {
  const { parts, rows, columns, ld } = param;
  const from = program.weights + param.at;
  const octets = shareOf((parts * rows) / panelRows, k, n);
  const row = octets.from * panelRows;
  const count = octets.to * panelRows - row;
  kernels.pack_panels_f32(forward + row * columns * 4, from + row * ld, ld, count, columns);
}

function packWeight(seat: Seat, { param, forward, backward, phases }: Weight): void {
  packForward(seat, param, forward);
  const { kernels, program, k, n } = seat;
  const { parts, rows, columns, ld } = param;
  const from = program.weights + param.at;
  const panels = Math.ceil(columns / panelRows);
  const own = shareOf(parts * panels, k, n);
  for (let part = Math.floor(own.from / panels); part * panels < own.to; part++) {
    const p0 = Math.max(0, own.from - part * panels);
    const p1 = Math.min(panels, own.to - part * panels);
    const column = p0 * panelRows;
    for (const { first, rows: height } of part + 1 === parts ? phases.last : phases.whole) {
      const to = backward + ((part * rows + first) * panels + p0 * height) * panelRows * 4;
      const x = from + (part * rows + first) * ld + column * 4;
      kernels.pack_columns_f32(to, x, ld, height, Math.min(columns, p1 * panelRows) - column);
    }
  }
}
