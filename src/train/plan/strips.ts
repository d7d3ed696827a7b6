import type { Arena } from '../../memory/arena.js';
import { type Cell, cellOf } from '../../model/cells.js';
import { type RecurrentLayerSpec, type StripsSpec, stripsOf } from '../../model/spec.js';
import { readStrips, stripRows, stripSizes } from '../../model/strips.js';
import { rowPlaces } from '../../pack/rows.js';
import type { Param } from './link.js';
import { type Plan, planDerived, planParam } from './params.js';

/**
 * Recurrent weights in strips. Trained are the strips and the diagonal; the recurrence computes with the dense matrix that
 * they are, as any other does, and of its gradient they take what stands where they do:
 *
 *   weights     strips [count][area]   diagonal [G·H]   …   dense [rows, H], zeros where no strip is   one line
 *   gradients   the same
 *
 * Values for units past the last stand for nothing: their places are in the line behind the dense matrix, which nobody
 * reads, and of which the gradient is 0.
 */
export interface StripsTape {
  strips: StripsSpec;
  cell: Cell;
  hidden: number;
  dense: Param;
  values: Param;
  diagonal: Param | undefined;
  /** rows of strips of one gate */
  perGate: number;
  /** [G · perGate + 1] i32: of each row of strips the number of its first strip, and `count` */
  starts: number;
  /** i32: of each value of a strip, [count][area], and of the diagonal, [G·H], where in `dense` it is */
  places: { values: number; diagonal: number };
}

/** Room for the strips of a layer. @param rows of its only part */
export function planStrips(plan: Plan, layer: RecurrentLayerSpec, rows: number): StripsTape {
  const { name, hiddenSize: hidden } = layer;
  const strips = stripsOf(layer)!;
  const cell = cellOf(layer);
  const { layout } = plan;
  const area = areaOf(strips);
  const perGate = stripRows(strips, hidden);
  const all = cell.gates * hidden;
  const diagonal = strips.diagonal
    ? planParam(plan, `${name}.diagonal`, { parts: 1, rows: all, columns: 1 })
    : undefined;
  return {
    ...{ strips, cell, hidden, diagonal, perGate },
    dense: planDerived(plan, `${name}.weight_hh`, { parts: 1, rows, columns: hidden, padded: true }),
    values: planParam(plan, `${name}.weight_hh`, { parts: 1, rows: strips.count, columns: area }),
    starts: layout.place(cell.gates * perGate + 1),
    places: {
      values: layout.place(strips.count * area),
      diagonal: diagonal === undefined ? 0 : layout.place(all),
    },
  };
}

/** Values of one strip. */
export function areaOf({ shape }: StripsSpec): number {
  const { rows, columns } = stripSizes[shape];
  return rows * columns;
}

/**
 * Writes where strips lie, and zeros where none does.
 * @param weights the region of weights
 * @param stream the layer's index stream, which checkTensors has seen
 */
export function placeStrips(
  { f32, i32 }: Arena,
  { strips, cell, hidden, dense, diagonal, perGate, starts: startsAt, places }: StripsTape,
  weights: number,
  name: string,
  stream: Float32Array,
): void {
  const { starts, columns } = readStrips(name, strips, cell.gates, hidden, stream);
  const { rows, columns: width } = stripSizes[strips.shape];
  const lines = rowPlaces(cell, hidden, hidden, dense.rows);
  const ld = dense.ld / 4;
  const behind = dense.rows * ld;
  i32.set(starts, startsAt / 4);
  f32.fill(0, (weights + dense.at) / 4, (weights + dense.at) / 4 + dense.count);
  let to = places.values / 4;
  for (let row = 0; row + 1 < starts.length; row++) {
    const gate = Math.floor(row / perGate);
    const unit = (row % perGate) * rows;
    for (let strip = starts[row]!; strip < starts[row + 1]!; strip++) {
      for (let column = columns[strip]!; column < columns[strip]! + width; column++) {
        for (let r = 0; r < rows; r++) {
          // Of each gate another one, so that no two workers write to it.
          i32[to++] = unit + r < hidden ? lines[gate * hidden + unit + r]! * ld + column : behind + gate;
        }
      }
    }
  }
  if (diagonal === undefined) return;
  for (let row = 0; row < lines.length; row++)
    i32[places.diagonal / 4 + row] = lines[row]! * ld + (row % hidden);
}
