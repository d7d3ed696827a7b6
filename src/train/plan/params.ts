import { type Layout, roundUp } from '../../memory/layout.js';
import type { LinearSpec } from '../../model/spec.js';
import { strideOf } from '../../pack/program.js';
import { panelRows } from '../../pack/rows.js';
import type { Loss, Optimizer } from '../types.js';
import type { Link, Param, Weight } from './link.js';

/** Floats in a cache line: parameters begin on one, so that no two workers update one. */
const lineFloats = 16;

/** What a plan depends on beside the spec. */
export interface TrainingSizes {
  loss: Loss;
  optimizer: Required<Optimizer>;
  clip: number;
  dropout: number;
  tie: boolean;
  /** most T and B */
  capacity: { steps: number; batch: number };
  workers: number;
}

/** A plan that is being made. */
export interface Plan extends TrainingSizes {
  /** the parameters so far, and their floats */
  params: Param[];
  floats: number;
  /** what is made of parameters anew after each update, and whose gradients become theirs */
  derived: Param[];
  layout: Layout;
  /** most T·B */
  rows: number;
}

/** What decides how a parameter lies. */
export interface ParamShape {
  parts: number;
  /** rows in a part */
  rows: number;
  columns: number;
  /**
   * whether rows of one column have the room of whole panels, too: gemm_tn_f32 adds to eight columns of a row, and in
   * rows without room those would be another worker's rows
   */
  padded?: boolean;
  each?: number;
  blocked?: NonNullable<Param['blocked']>;
  gated?: NonNullable<Param['gated']>;
}

/** Adds a parameter to the plan. */
export function planParam(plan: Plan, name: string, shape: ParamShape): Param {
  const param = { ...shapeParam(name, shape), at: plan.floats * 4 };
  plan.params.push(param);
  plan.floats += param.count;
  return param;
}

/**
 * Adds a matrix that is made of parameters: in the regions of weights and gradients it stands behind all of them, in those
 * of moments nowhere. A line behind it is for what belongs nowhere in it.
 */
export function planDerived(plan: Plan, name: string, shape: ParamShape): Param {
  const own = shapeParam(name, shape);
  const param = { ...own, count: own.count + lineFloats };
  plan.derived.push(param);
  return param;
}

/** Places what is derived, when all parameters are known. @returns floats of a region that has it, too */
export function placeDerived({ floats, derived }: Plan): number {
  let end = floats;
  for (const param of derived) {
    param.at = end * 4;
    end += param.count;
  }
  return end;
}

function shapeParam(name: string, { padded = false, ...shape }: ParamShape): Param {
  const rows = roundUp(shape.rows, panelRows);
  const ld = shape.columns === 1 && !padded ? 4 : strideOf(shape.columns);
  const count = roundUp((shape.parts * rows * ld) / 4, lineFloats);
  return { ...shape, names: [name], rows, ld, at: 0, count };
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

/** A linear layer's bias, where it has one. */
export function planBias(plan: Plan, { name, outputSize, bias }: LinearSpec): Param | undefined {
  if (bias === false) return undefined;
  return planParam(plan, `${name}.bias`, { parts: 1, rows: outputSize, columns: 1 });
}

/** Room for rows of so many values each. */
export function placeRows({ layout }: Plan, rows: number, width: number): Link {
  const ld = strideOf(width);
  return { y: layout.place((rows * ld) / 4), ld, skip: 0 };
}
