/**
 * How the rows of one part of a recurrent layer lie. A part is what one worker can run alone for all T steps:
 * a block of D units, or a run of units of a diagonal layer. Units go in groups of four, one v128; the rows
 * of a group stand together, gate after gate, so that the pointwise half reads one stretch of memory:
 *
 *   [group 0: gate 0 × 4 units, gate 1 × 4 units, …] [group 1: …] … zero rows up to a multiple of 8
 */

/** ⌈units / 4⌉ */
// @ts-ignore: decorator
@inline
export function groupsOf(units: usize): usize {
  return (units + 3) >> 2;
}

/** Rows of a part with `gates` gates, padding included: a multiple of 8, the height of a panel. */
// @ts-ignore: decorator
@inline
export function rowsOf(units: usize, gates: usize): usize {
  return (groupsOf(units) * gates * 4 + 7) & ~7;
}
