import { rowsOf } from './shape';

/** The cells by number; src/model/cells.ts holds the same numbers. */
export const LSTM: usize = 0;
export const GRU_AFTER: usize = 1;
export const GRU_BEFORE: usize = 2;
export const ELMAN_TANH: usize = 3;
export const ELMAN_RELU: usize = 4;

/** In how many phases a step goes: all units of a part have done one before any begins the next. */
export function phasesOf(cell: usize): usize {
  return cell == GRU_BEFORE ? 2 : 1;
}

/** Rows of pre-activations of a part of `units` units, padding included. */
export function partRows(cell: usize, units: usize): usize {
  if (cell == LSTM) return rowsOf(units, 4);
  if (cell == GRU_AFTER) return rowsOf(units, 3);
  if (cell == GRU_BEFORE) return rowsOf(units, 2) + rowsOf(units, 1);
  return rowsOf(units, 1);
}
