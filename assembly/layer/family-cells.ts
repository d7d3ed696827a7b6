import { rowsOf } from './shape';

/** The cells of the family by number; they go on where those of cells.ts may end, and src/model/cells.ts holds the same. */
export const LSTM_GENERAL: usize = 16;
export const GRU_AFTER_GENERAL: usize = 17;
export const GRU_BEFORE_GENERAL: usize = 18;
export const ELMAN_GENERAL: usize = 19;

/** In how many phases a step goes: all units of a part have done one before any begins the next. */
export function familyPhases(cell: usize): usize {
  return cell == GRU_BEFORE_GENERAL ? 2 : 1;
}

/** Rows of pre-activations of a part of `units` units, padding included. */
export function familyRows(cell: usize, units: usize): usize {
  if (cell == LSTM_GENERAL) return rowsOf(units, 4);
  if (cell == GRU_AFTER_GENERAL) return rowsOf(units, 3);
  if (cell == GRU_BEFORE_GENERAL) return rowsOf(units, 2) + rowsOf(units, 1);
  return rowsOf(units, 1);
}
