import { rowsOf } from './shape';

/** The cells of the family by number; those of plain stacks are in cells.ts, and src/model/cells.ts holds all. */
export const LSTM_GENERAL: usize = 16;
export const GRU_AFTER_GENERAL: usize = 17;
export const GRU_BEFORE_GENERAL: usize = 18;
export const ELMAN_GENERAL: usize = 19;
export const LSTM_PROJECTED: usize = 20;
export const SLSTM: usize = 21;
export const SRU: usize = 22;
/** An SRU whose input is not as wide as its output, and comes past the cell through a fourth matrix. */
export const SRU_WIDENED: usize = 23;
export const QRNN: usize = 24;
export const LSTM_NORMED: usize = 25;
export const GRU_NORMED: usize = 26;

/** In how many phases a step goes: all units of a part have done one before any begins the next. */
export function familyPhases(cell: usize): usize {
  if (cell == LSTM_NORMED) return 3;
  return cell == GRU_BEFORE_GENERAL || cell == LSTM_PROJECTED || cell == GRU_NORMED ? 2 : 1;
}

/** Whether nothing recurs but a cell's pointwise half. */
export function isPointwise(cell: usize): bool {
  return cell == SRU || cell == SRU_WIDENED || cell == QRNN;
}

/** Whether all units of a layer meet in each step, so that it is one part, which may have several blocks. */
export function isNormed(cell: usize): bool {
  return cell == LSTM_NORMED || cell == GRU_NORMED;
}

/** Rows of pre-activations of a block of `units` units, padding included. */
export function familyRows(cell: usize, units: usize): usize {
  if (cell == GRU_BEFORE_GENERAL) return rowsOf(units, 2) + rowsOf(units, 1);
  if (cell == GRU_AFTER_GENERAL || cell == GRU_NORMED || cell == SRU || cell == QRNN) return rowsOf(units, 3);
  return rowsOf(units, cell == ELMAN_GENERAL ? 1 : 4);
}
