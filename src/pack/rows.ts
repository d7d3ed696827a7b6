import { roundUp } from '../memory/layout.js';
import type { Cell } from '../model/cells.js';

/** Rows of W in a panel: the width of the micro-kernels' tiles. */
export const panelRows = 8;
/** Units whose gates stand together: the lanes of a vector. */
const lanes = 4;

/** Rows of a part of `units` units, padding included; the same number as partRows in assembly/layer/cells.ts. */
export function partRows(cell: Cell, units: number): number {
  return cell.phases.reduce((rows, gates) => rows + phaseRows(gates.length, units), 0);
}

function phaseRows(gates: number, units: number): number {
  return roundUp((roundUp(units, lanes) / lanes) * gates * lanes, panelRows);
}

/**
 * Where each row of a part comes from in the tensors, as gate·H + unit of the part; −1 is padding.
 * The drawing is in assembly/layer/shape.ts: for each phase groups of four units, gate after gate.
 */
export function rowOrder(cell: Cell, units: number, hidden: number): Int32Array {
  const order = new Int32Array(partRows(cell, units)).fill(-1);
  let start = 0;
  for (const gates of cell.phases) {
    for (let unit = 0; unit < units; unit++) {
      const group = start + Math.floor(unit / lanes) * gates.length * lanes;
      for (const [place, gate] of gates.entries())
        order[group + place * lanes + (unit % lanes)] = gate * hidden + unit;
    }
    start += phaseRows(gates.length, units);
  }
  return order;
}
