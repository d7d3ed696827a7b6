import { roundUp } from '../memory/layout.js';
import type { Cell } from '../model/cells.js';

/** Rows of W in a panel: the width of the micro-kernels' tiles. */
export const panelRows = 8;
/** Units whose gates stand together: the lanes of a vector. */
export const lanes = 4;

/**
 * Rows of a part of `units` units, padding included; the same number as partRows in assembly/layer/cells.ts.
 * @param step units are padded to a multiple of it: a vector, or what a strip of weights covers
 */
export function partRows(cell: Cell, units: number, step = lanes): number {
  return cell.phases.reduce((rows, gates) => rows + phaseRows(gates.length, units, step), 0);
}

/** Of each phase its gates, and the first of its rows in a part of `units` units. */
export function phasesOf(cell: Cell, units: number, step = lanes): { gates: number; row: number }[] {
  let row = 0;
  return cell.phases.map(({ length: gates }) => {
    const phase = { gates, row };
    row += phaseRows(gates, units, step);
    return phase;
  });
}

function phaseRows(gates: number, units: number, step: number): number {
  return roundUp(roundUp(units, step) * gates, panelRows);
}

/**
 * The packed row of each row g·H + u of a layer's tensors. Parts lie one after the other, `rows` apart; within one the
 * drawing is in assembly/layer/shape.ts: for each phase groups of four units, gate after gate.
 */
export function rowPlaces(cell: Cell, hidden: number, units: number, rows: number, step = lanes): Int32Array {
  const places = new Int32Array(cell.gates * hidden);
  for (let first = 0, base = 0; first < hidden; first += units, base += rows) {
    const count = Math.min(units, hidden - first);
    let start = base;
    for (const gates of cell.phases) {
      const group = gates.length * lanes;
      for (let place = 0; place < gates.length; place++) {
        // Plain counting: this runs once, and is interpreted.
        let to = gates[place]! * hidden + first;
        let row = start + place * lanes;
        for (let unit = 0; unit < count; unit += lanes, row += group) {
          for (let lane = 0; lane < lanes && unit + lane < count; lane++) places[to++] = row + lane;
        }
      }
      start += phaseRows(gates.length, count, step);
    }
  }
  return places;
}

/** Of the places of a layer's rows those of some of its gates, in that order. */
export function gatePlaces(places: Int32Array, hidden: number, gates: readonly number[]): Int32Array {
  const some = new Int32Array(gates.length * hidden);
  for (const [index, gate] of gates.entries())
    some.set(places.subarray(gate * hidden, (gate + 1) * hidden), index * hidden);
  return some;
}
