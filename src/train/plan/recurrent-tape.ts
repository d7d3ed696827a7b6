import { roundUp } from '../../memory/layout.js';
import type { StateName } from '../../model/cells.js';
import { lanes, panelRows } from '../../pack/rows.js';
import type { GateRun, TapeCell } from './cells.js';
import type { Link, Param, PhaseRows, Weight } from './link.js';
import type { StripsTape } from './strips.js';
import type { InputBlocks } from './tapes.js';
import type { Zone } from './zoneout.js';

/** A part of a recurrent layer; the last one of a diagonal layer may have fewer units. */
export interface PartShape {
  units: number;
  rows: number;
  phases: PhaseRows[];
}

/** A state of a recurrent layer. */
export interface StateTape {
  name: StateName;
  /** [T + 1][B]: the state before step 0, then what each step has made */
  at: number;
  ld: number;
  width: number;
  /** the states that a batch leaves behind, of training and of evaluation, [B] rows each */
  kept: [number, number];
}

/** A tensor of one value a row, whose rows are those of some gates. */
export interface ColumnTape {
  param: Param;
  gates: readonly number[];
}

/**
 * What a layer has whose units all meet in each step, so that one worker has all parts of some streams. Its vectors of rows
 * are [parts][rows] each.
 */
export interface MeetingTape {
  /** the vectors that its kernels read, made anew after each update; the first is zeros */
  vectors: number;
  /** how many those are */
  count: number;
  /** the tensors that they are made of, each with the vector that it is part of */
  columns: { param: Param; to: number }[];
  /** [columns][B] vectors: what comes to each tensor, summed over steps */
  sums: number;
}

export interface RecurrentTape {
  op: 'recurrent';
  name: string;
  input: Link;
  /** [T + 1][B]: the state before step 0, then the outputs */
  out: Link;
  /** features of the output */
  outputs: number;
  /** the outputs that a step has not left out; 0 without dropout */
  dropped: number;
  cell: number;
  /** G of each phase */
  gates: number[];
  /** the constants, and behind them what the layer says; of most cells the program's own */
  table: number;
  /** the same for evaluation: of a layer that keeps states by lot it says the mean, where `table` says nothing of it */
  evaluation: number;
  zone: Zone | undefined;
  inputs: number;
  hidden: number;
  parts: number;
  whole: PartShape;
  last: PartShape;
  diagonal: boolean;
  /** vectors of a state that a step hands back beside that of h */
  carries: number;
  /** h first, whose tape is `out`; then c and the others, each as far from the one before */
  states: StateTape[];
  /** [parts][T·B][rows] pre-activations, then gates, then their gradients */
  z: number;
  /**
   * 'row': [parts][T·B][rows], a recurrent half that is not one with the input half; 'unit': [parts][T·B][⌈units/4⌉·4], the reset
   * states of one that resets before; 'projection': [T·B][⌈units/4⌉·4 + ⌈P/8⌉·8], what is projected and what comes back to
   * the projection; else 0
   */
  s: number;
  side: TapeCell['side'];
  wih: Weight;
  /** where units read blocks of inputs: whose weight `wih` then is */
  blocked: InputBlocks | undefined;
  /**
   * its forms; a diagonal recurrence has none: kernels read its weights as they lie. Undefined where nothing recurs but
   * the cell.
   */
  whh: Weight | Param | undefined;
  /** of what `whh` is made, where the recurrent weights are strips */
  strips: StripsTape | undefined;
  /** that of an output projection */
  whr: Weight | undefined;
  /** those of the input half, or of both */
  biases: ColumnTape[];
  /** that of the recurrent half, where they cannot be one */
  bhh: Param | undefined;
  /** what the input half begins with: the sum of `biases` */
  bias: number;
  /** weights that meet c unit by unit */
  meets: { param: Param; runs: GateRun[] } | undefined;
  meeting: MeetingTape | undefined;
  /** [T·B] what comes back to the input past the matrices, as wide as the output; 0 where nothing does */
  skip: number;
  byId: ById | undefined;
}

/**
 * A recurrent layer whose blocks differ in size: a tape for each run of blocks of one size, whose units stand side by side in
 * the rows of its states.
 */
export interface RaggedTape
  extends Pick<RecurrentTape, 'name' | 'input' | 'out' | 'outputs' | 'dropped' | 'states'> {
  op: 'ragged';
  runs: RecurrentTape[];
}

/**
 * Where an embedding's rows are few, a recurrent layer behind it computes for each id, not for each row of a large batch:
 * its input half is looked up, and its gradients are first summed by id.
 */
export interface ById {
  /** the embedding's */
  table: Param;
  /** [T·B] i32 */
  ids: number;
  count: number;
  /** [parts][count][rows]: input halves on the way forward, sums of their gradients on the way back */
  halves: number;
}

/** Values in a row of s that are not rows of z again. */
export function sideUnits(units: number, side: TapeCell['side'], outputs: number): number {
  return roundUp(units, lanes) + (side === 'projection' ? roundUp(outputs, panelRows) : 0);
}

/** Floats of a state on its way back: each part up to a panel, one part at a time, or all that meet. */
export function backWidth({ meeting, parts, whole }: RecurrentTape): number {
  return (meeting === undefined ? 1 : parts) * roundUp(whole.units, panelRows);
}

/** One of its parts. */
export function shapeOf({ parts, last, whole }: RecurrentTape, part: number): PartShape {
  return part + 1 === parts ? last : whole;
}

/** So many times more rows than ids: measured, a quarter of the step of a byte model at H = 512, N = 4. */
export const rowsPerId = 4;

/** What a batch goes by id by, if it has rows enough; what else it is part of does not matter. */
export function byIdOf(op: { byId: ById | undefined }, rows: number): ById | undefined {
  return op.byId !== undefined && op.byId.count * rowsPerId <= rows ? op.byId : undefined;
}
