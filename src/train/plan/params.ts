import { type Layout, roundUp } from '../../memory/layout.js';
import type { Cell } from '../../model/cells.js';
import { strideOf } from '../../pack/program.js';
import { panelRows } from '../../pack/rows.js';
import type { Param, Weight } from './program.js';

/** Floats in a cache line: parameters begin on one, so that no two workers update one. */
const lineFloats = 16;

/** The parameters that are planned so far. */
export interface ParamList {
  params: Param[];
  floats: number;
}

/** What decides how a parameter lies. */
export interface ParamShape {
  parts: number;
  /** rows in a part */
  rows: number;
  columns: number;
  gated?: { cell: Cell; hidden: number; units: number };
}

/** Adds a parameter to the list. */
export function planParam(list: ParamList, name: string, shape: ParamShape): Param {
  const rows = roundUp(shape.rows, panelRows);
  const ld = shape.columns === 1 ? 4 : strideOf(shape.columns);
  const count = roundUp((shape.parts * rows * ld) / 4, lineFloats);
  const param: Param = { ...shape, names: [name], rows, ld, at: list.floats * 4, count };
  list.params.push(param);
  list.floats += count;
  return param;
}

/** Room for the packed forms of a weight. */
export function planWeight(layout: Layout, param: Param, phases: Weight['phases']): Weight {
  const rows = param.parts * param.rows;
  return {
    param,
    forward: layout.place(rows * param.columns),
    backward: layout.place(rows * roundUp(param.columns, panelRows)),
    phases,
  };
}

/** All rows at a time. */
export function onePhase(rows: number): Weight['phases'] {
  const all = [{ first: 0, rows }];
  return { whole: all, last: all };
}
